"""The service's address and key, the record's file, and what is shown of a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.rerank.attach.opensearch_requests import connector_body, is_same_connector
from resift.rerank.attach.record import RecordFile
from resift.rerank.attach.service import Service, is_private, read_key, read_service
from resift.rerank.attach.settings import AttachSettings
from resift.rerank.attach.steps import Step
from resift.retrieval.errors import SettingsError
from tests.rerank.attach.fake_engine import OPENSEARCH_ROOT, FakeEngine, serving
from tests.rerank.cli.invoke import assert_one_line, invoke


def test_the_address_may_have_a_path_and_the_name_of_a_model() -> None:
    service = read_service("http://Reranker:8080/rank/v1/rerank#resift-base")
    assert (service.rerank_url, service.model) == ("http://reranker:8080/rank/v1/rerank", "resift-base")
    assert (service.tei_url, service.host) == ("http://reranker:8080/rank/rerank", "reranker")


@pytest.mark.parametrize(
    "text", ["reranker:8080", "ftp://a", "http://", "tei+http://a:1", "http://u:p@a:1", "http://a:b"]
)
def test_what_is_no_address_of_a_service_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="^service: "):
        read_service(text)


def test_the_key_is_that_of_the_file_else_of_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-the-file\n")
    variables = {"RESIFT_MODEL_API_KEY": " from-the-variable "}
    assert read_key(str(file), variables) == "from-the-file"
    assert (read_key(None, variables), read_key(None, {})) == ("from-the-variable", "")


@pytest.mark.parametrize("content", [None, "", "two words", "é"])
def test_a_key_file_without_a_usable_key_is_an_error_that_does_not_quote_it(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        read_key(str(file), {})
    assert not content or content not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "private"),
    [("127.0.0.1", True), ("10.1.2.3", True), ("::1", True), ("8.8.8.8", False), ("no.invalid", True)],
)
def test_addresses_of_this_network_and_unknown_hosts_count_as_private(host: str, private: bool) -> None:
    assert is_private(host)[0] is private


def test_the_repr_of_service_and_step_and_the_console_show_no_key() -> None:
    service = Service("http://a:1", key="very-secret-key")
    step = Step("POST", "x", connector_body("resift", service, 2000))
    assert all(
        "very-secret-key" not in text for text in (repr(service), repr(step), step.console(), str(step.as_json()))
    )
    assert step.console().startswith("POST x\n{\n") and '"api_key": "***"' in step.console()


def test_a_connector_is_the_same_only_with_the_same_url_model_deadline_and_key() -> None:
    service = Service("http://a:1", "m", "key-one")
    found = connector_body("resift", service, 2000)
    stored = {**found, "credential": None, "client_config": {**found["client_config"], "retry_backoff_millis": 200}}
    stored["actions"] = [{**found["actions"][0], "action_type": "PREDICT"}]
    assert is_same_connector(stored, connector_body("resift", service, 2000), "key-one")
    for other, deadline in [
        (Service("http://b:1", "m", "key-one"), 2000),
        (Service("http://a:1", "n", "key-one"), 2000),
        (Service("http://a:1", "", "key-one"), 2000),
        (Service("http://a:1", "m", "key-two"), 2000),
        (Service("http://a:1", "m", ""), 2000),
        (Service("http://a:1", "m", "key-one"), 2001),
    ]:
        assert not is_same_connector(stored, connector_body("resift", other, deadline), other.key)


def test_a_record_keeps_each_engine_and_name_and_ends_with_the_last(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    RecordFile(str(path)).put("http://a", "x", {"state": "begun"})
    RecordFile(str(path)).put("http://b", "x", {"state": "begun"})
    RecordFile(str(path)).put("http://a", "x", {"state": "attached"})
    record = RecordFile(str(path))
    assert (record.get("http://a", "x")["state"], record.get("http://a", "y")) == ("attached", {})
    record.remove("http://a", "x")
    assert path.exists()
    record.remove("http://b", "x")
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "[]", '{"attachments": [1]}', '{"attachments": {"a": 1}}', "\x00"])
def test_a_file_that_is_no_record_is_refused_before_anything_is_asked(tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    done = invoke("detach", "http://127.0.0.1:9", "--record", str(file))
    assert_one_line(done, 2, "is not a record", "name another file")
    assert file.read_text() == content


@pytest.mark.parametrize("name", ["", "A", "a b", "_a", "a/b", "a" * 64, "ä"])
def test_a_name_that_engines_do_not_take_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="^name: "):
        AttachSettings(attach_name=name)


def test_an_attachment_needs_a_service_and_an_index_or_one_field() -> None:
    service = ("--service", "http://a:1", "--dry-run")
    with serving(FakeEngine({"GET /": OPENSEARCH_ROOT})) as url:
        assert_one_line(invoke("attach", url), 2, "--service")
        assert_one_line(invoke("attach", url, *service), 2, "name an index", "--index", "--source-text")
        assert_one_line(invoke("attach", url, *service, "--source-text", "a,b"), 2, "name one")
        assert_one_line(invoke("attach", url, *service, "--deadline-ms", "0"), 2, "deadline_ms")


def test_an_opensearch_that_cannot_rerank_is_refused_with_the_other_ways() -> None:
    old = (200, {"version": {"number": "2.11.0", "distribution": "opensearch"}})
    options = ("--service", "http://a:1", "--source-text", "text", "--dry-run")
    with serving(FakeEngine({"GET /": old})) as url:
        assert_one_line(invoke("attach", url, *options), 1, "no rerank processor", "2.12", "proxy")
    plugins = (200, {"nodes": {"n": {"plugins": [{"name": "opensearch-ml"}]}}})
    with serving(FakeEngine({"GET /": OPENSEARCH_ROOT, "GET /_nodes/plugins": plugins})) as url:
        assert_one_line(invoke("attach", url, *options), 1, "lacks the plugin opensearch-neural-search", "proxy")


def test_an_attachment_without_the_rights_is_an_error_before_any_change() -> None:
    engine = FakeEngine({"GET /": OPENSEARCH_ROOT})
    with serving(engine) as url:
        done = invoke("attach", url, "--service", "http://a:1", "--source-text", "text", "--dry-run")
    assert_one_line(done, 1, "lacks the right", "403")
    assert {method for method, path, _ in engine.seen if not path.endswith("/_search")} == {"GET"}
