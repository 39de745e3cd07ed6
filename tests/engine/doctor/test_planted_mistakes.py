"""`resift doctor` on a real OpenSearch: each planted mistake is found, with its remedy."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.engine.doctored import Setup, called, diagnosis, filled, piped, set_to
from tests.engine.service_hook import KEY, send
from tests.rerank.attach.doctor.planted import Manner, planted_service

pytestmark = pytest.mark.engine
PORT = 9381


def test_a_healthy_setup_has_nothing_broken_and_is_reranked(engine: str, target: str, service: str) -> None:
    with piped(engine, service):
        found = diagnosis(target, "--service", service, model="resift-tiny")
    assert found.named("broken") == set() and found.code == 0
    assert found.named("not checked") == {("fit", "language")} or found.named("not checked") == set()
    for place in [("mapping", "field"), ("call", "plain call"), ("search", "reranked"), ("service", "scores")]:
        assert found.outcome(*place) == "works", found.rows[place]
    assert found.named("warning") <= {
        ("call", "query that is JSON"),
        ("call", "query with ${...}"),
        ("call", "document with ${...}"),
        ("fit", "change"),
        ("fit", "scores"),
    }


def test_a_wrong_port_is_found_though_the_searches_succeed(engine: str, target: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # it does not listen
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with piped(engine, address) as connector:
            found = diagnosis(target)
    assert found.code == 1
    said = found.said("call", "plain call")
    assert found.outcome("call", "plain call") == "broken"
    assert (
        f"nothing listens at {address}/v1/rerank" in said
        and "correct host and port" in said
        and f"PUT _plugins/_ml/connectors/{connector}" in said
    )
    assert "no hit was reranked" in found.said("search", "reranked")
    assert found.outcome("service", "answer") == "warning"


def test_a_private_address_that_the_cluster_may_not_call_is_found(engine: str, target: str, service: str) -> None:
    with piped(engine, service), set_to(engine, private_ip_enabled=False):
        found = diagnosis(target, "--service", service)
    remedy = 'PUT _cluster/settings {"persistent": {"plugins.ml_commons.connector.private_ip_enabled": true}}'
    for place in [("settings", "private address"), ("call", "plain call")]:
        assert found.outcome(*place) == "broken"
        assert remedy in found.said(*place)
    assert "this machine gets an answer" in found.said("call", "plain call")


def test_an_address_that_is_not_trusted_is_found_before_and_after_the_connector_exists(
    engine: str, target: str, service: str
) -> None:
    with piped(engine, service), set_to(engine, trusted_connector_endpoints_regex=["^https://elsewhere/.*$"]):
        after = diagnosis(target, "--service", service)
    with set_to(engine, trusted_connector_endpoints_regex=["^https://elsewhere/.*$"]):
        before = diagnosis(target, "--service", service)
    assert after.outcome("settings", "trusted address") == "warning"  # OpenSearch 2.19 still calls it
    assert before.outcome("settings", "trusted address") == "broken" and before.code == 1
    port = service.rpartition(":")[2]
    for found in (before, after):
        said = found.said("settings", "trusted address")
        assert f"^http://127\\.0\\.0\\.1:{port}/v1/rerank$" in said
        assert "trusted_connector_endpoints_regex" in said
    assert before.outcome("way in", "way in") == "not checked" and "resift plan" in before.said("way in", "way in")


@pytest.mark.parametrize(("ignored", "outcome"), [(True, "warning"), (False, "broken")])
def test_a_default_pipeline_is_found(engine: str, target: str, service: str, ignored: bool, outcome: str) -> None:
    name = target.rpartition("/")[2]
    with piped(engine, service, Setup(processor={"ignore_failure": ignored})):
        send(engine, ("PUT", f"{name}/_settings", {"index.search.default_pipeline": "resift"})).raise_for_status()
        found = diagnosis(target, "--service", service)
        send(engine, ("PUT", f"{name}/_settings", {"index.search.default_pipeline": None})).raise_for_status()
    assert found.outcome("mapping", "default pipeline") == outcome
    assert f'PUT {name}/_settings {{"index.search.default_pipeline": null}}' in found.said(
        "mapping", "default pipeline"
    )
    assert found.outcome("search", "_count") == ("works" if ignored else "broken")


@pytest.mark.parametrize("ignored", [True, False])
def test_a_wrong_post_process_function_is_found(engine: str, target: str, service: str, ignored: bool) -> None:
    action = {"post_process_function": "connector.post_process.default.rerank"}
    with piped(engine, service, Setup(action=action, processor={"ignore_failure": ignored})):
        found = diagnosis(target, "--service", service)
        # the service does not answer this machine: the path decides
        unseen = diagnosis(target, "--service", service, key="")
    for one in (found, unseen):
        assert one.outcome("search", "reranked") == "broken"
        for place in [("connector", "functions"), ("call", "plain call")]:
            assert one.outcome(*place) == "broken"
            assert "set post_process_function to connector.post_process.cohere.rerank" in one.said(*place)


def test_a_service_that_leaves_documents_out_is_found(engine: str, target: str) -> None:
    with planted_service(Manner(keep=1)) as service, piped(engine, service):
        found = diagnosis(target)
    for place in [("service", "all documents"), ("call", "plain call")]:
        assert found.outcome(*place) == "broken"
        assert "top_n" in found.said(*place)
    assert "no hit was reranked" in found.said("search", "reranked")


@pytest.mark.parametrize(
    ("score", "seen"), [("{:.0f}", "integers"), ("{:.20f}", "longer than 18 characters")], ids=["integers", "long"]
)
def test_scores_that_opensearch_cannot_read_are_found(engine: str, target: str, score: str, seen: str) -> None:
    with planted_service(Manner(score=score)) as service, piped(engine, service):
        found = diagnosis(target)
    assert seen in found.said("service", "scores")
    assert found.outcome("search", "reranked") == "broken"
    for place in [("service", "scores"), ("call", "plain call")]:
        assert found.outcome(*place) == "broken"
        assert "with a point" in found.said(*place)


def test_a_slow_service_is_found(engine: str, target: str) -> None:
    with planted_service(Manner(seconds=1.5)) as service, piped(engine, service, Setup(client={"read_timeout": 1})):
        found = diagnosis(target)
    assert found.outcome("search", "reranked") == "broken"
    for place in [("service", "speed"), ("call", "plain call")]:
        assert found.outcome(*place) == "broken"
        assert '"timeout_ms"' in found.said(*place) and "read_timeout" in found.said(*place)


def test_a_missing_field_is_found_with_the_one_that_was_meant(engine: str, target: str, service: str) -> None:
    with piped(engine, service, Setup(fields=("txet",))):
        found = diagnosis(target, "--service", service)
    assert found.outcome("mapping", "field") == "broken"
    assert "did you mean text?" in found.said("mapping", "field")
    assert "all hits have the same score" in found.said("search", "reranked")


def test_a_wrong_key_is_found(engine: str, target: str, service: str) -> None:
    with piped(engine, service, Setup(key="another-key-of-opensearch")) as connector:
        found = diagnosis(target, "--service", service)
    said = found.said("call", "plain call")
    assert found.outcome("call", "plain call") == "broken"
    assert "refuses the key of the engine (401)" in said and "this machine gets an answer" in said
    assert f"PUT _plugins/_ml/connectors/{connector}" in said and '"credential"' in said
    assert KEY not in said


def test_fields_whose_texts_are_not_sent_are_found(engine: str, service: str) -> None:
    mapping = {
        "body": {"type": "text", "fields": {"en": {"type": "text"}}},
        "other": {"type": "alias", "path": "body"},
        "meta": {"properties": {"body": {"type": "text"}}},
        "parts": {"type": "nested", "properties": {"body": {"type": "text"}}},
    }
    source = {"body": "cats eat", "meta": {"body": "cats eat"}, "parts": [{"body": "cats eat"}]}
    fields = ("body.en", "other", "meta.body", "parts.body")
    with filled(engine, {"properties": mapping}, one=source, two=source) as target:
        with piped(engine, service, Setup(fields=fields)):
            found = diagnosis(target, "--service", service)
            words = {"query": {"match_all": {}}, "ext": {"rerank": {"query_context": {"query_text": "cats eat"}}}}
            request = ("POST", f"{target.rpartition('/')[2]}/_search?search_pipeline=resift", words)
            scores = [hit["_score"] for hit in send(engine, request).json()["hits"]["hits"]]
    said = found.said("mapping", "field")
    assert found.outcome("mapping", "field") == "broken"
    for seen in (
        "indexes body a second time",
        "alias of body",
        "meta.body is inside an object",
        "parts.body is nested",
    ):
        assert seen in said
    assert scores == [0.0, 0.0]  # as the doctor says: no text was sent


def test_further_risks_are_named(engine: str, service: str) -> None:
    mapping = {"_source": {"excludes": ["text"]}, "properties": {"text": {"type": "text"}, "kind": {"type": "keyword"}}}
    action = {"request_body": '{ "query": "${parameters.query}", "documents": ${parameters.documents}, "top_n": 5 }'}
    with filled(engine, mapping, one={"text": "cats eat fish", "kind": "a"}, two={"kind": "b"}) as target:
        with piped(engine, service, Setup(fields=("text", "kind"), processor={}, action=action)):
            found = diagnosis(target, "--service", service)
    assert "_source" in found.said("mapping", "source") and found.outcome("mapping", "source") == "broken"
    assert "kind is of the type keyword" in found.said("mapping", "field")
    assert "'applepie'" in found.said("mapping", "one field")
    assert "remove top_n" in found.said("connector", "request body")
    assert '"ignore_failure": true' in found.said("connector", "ignore_failure")
    assert found.outcome("search", "no words") == "warning" and found.outcome("search", "size: 0") == "broken"


def test_a_model_that_was_deleted_is_found(engine: str, target: str, service: str) -> None:
    with piped(engine, service):
        pass
    pipeline = {
        "response_processors": [
            {"rerank": {"ml_opensearch": {"model_id": "gone"}, "context": {"document_fields": ["text"]}}}
        ]
    }
    send(engine, ("PUT", "_search/pipeline/t-gone", pipeline)).raise_for_status()
    found = diagnosis(target, "--service", service)
    send(engine, ("DELETE", "_search/pipeline/t-gone", None)).raise_for_status()
    assert found.outcome("settings", "model") == "broken" and "resift attach" in found.said("settings", "model")
    assert found.outcome("call", "plain call") == "broken"


def test_a_pipeline_that_does_not_exist_is_wrong_usage_with_the_name_that_was_meant(
    engine: str, target: str, service: str
) -> None:
    with piped(engine, service):
        done = called(target, "--pipeline", "resfit")
    assert done.code == 2 and "did you mean resift?" in done.error_line


def test_the_key_is_not_sent_to_an_address_that_the_cluster_alone_names(
    engine: str, target: str, service: str, tmp_path: Path
) -> None:
    record = tmp_path / "record.json"
    with piped(engine, service):
        unsent = diagnosis(target, "--record", str(record))
        record.write_text(f'{{"attachments": {{"x": {{"service": "{service}"}}}}}}')
        sent = diagnosis(target, "--record", str(record))
    assert unsent.outcome("service", "answer") == "not checked"
    assert f"--service ({service})" in unsent.said("service", "answer") and KEY not in unsent.said("service", "answer")
    assert sent.outcome("service", "answer") == "works"
