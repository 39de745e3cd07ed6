"""Connecting: the engine is detected, credentials are sent, and every failure is one line."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path

import pytest

from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import connect
from resift.retrieval.engine.credentials import Credentials, read_credentials
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import ResiftError, SettingsError, StatusError
from tests.rerank.cli.invoke import invoke
from tests.retrieval.engine.serving import ELASTIC, FAST, INFO, serving


@pytest.mark.parametrize(
    ("text", "hosts", "index"),
    [
        ("http://localhost:9200/articles", ("http://localhost:9200",), "articles"),
        ("https://es.example/search/v1/logs-*", ("https://es.example:443/search/v1",), "logs-*"),
        ("http://a,b:9201/x,y", ("http://a:9200", "http://b:9201"), "x,y"),
        ("http://a:9200,http://b:9201/x", ("http://a:9200", "http://b:9201"), "x"),
        ("http://[::1]:9200/i", ("http://[::1]:9200",), "i"),
        ("cloud:articles", (), "articles"),
        ("https://h/prefix/i", ("https://h:443/prefix",), "i"),
    ],
)
def test_an_address_is_read(text: str, hosts: tuple[str, ...], index: str) -> None:
    address = read_address(text)
    assert (address.hosts, address.index) == (hosts, index)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("http://user:secret@host:9200/i", "RESIFT_USERNAME"),
        ("http://host:9200", "does not name an index"),
        ("http://host:9200/", "does not name an index"),
        ("http://host:port/i", "not a host and port"),
        ("http:///i", "not an address"),
        ("http://host:9200/a b", "engines do not allow"),
        ("cloud:", "does not name an index"),
    ],
)
def test_an_address_that_cannot_be_used_gives_a_reason_without_secrets(text: str, part: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_address(text)
    assert part in str(error.value) and "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("engine", "headers", "flavour", "client"),
    [
        ("elasticsearch 8", ELASTIC, "elasticsearch", "elasticsearch"),
        ("elasticsearch 7", {}, "elasticsearch", "opensearchpy"),
        ("opensearch 2", {}, "opensearch", "opensearchpy"),
    ],
)
def test_the_flavour_is_detected(engine: str, headers: dict[str, str], flavour: str, client: str) -> None:
    with serving(200, json.dumps(INFO[engine]).encode(), headers) as (url, _):
        found = connect(read_address(f"{url}/i"), FAST)
        assert (found.flavour, type(found.client).__module__.split(".")[0]) == (flavour, client)
        found.close()


def test_without_the_right_to_detect_the_error_names_the_option_and_elasticsearch_is_known_by_its_header() -> None:
    with serving(403, b"{}") as (url, _):
        with pytest.raises(StatusError, match="`flavour`"):
            connect(read_address(f"{url}/i"), FAST)
        assert connect(read_address(f"{url}/i"), ConnectionSettings(flavour="opensearch")).flavour == "opensearch"
    body = b'{"error": {"type": "security_exception", "reason": "no"}, "status": 403}'
    with serving(403, body, ELASTIC) as (url, _):
        assert connect(read_address(f"{url}/i"), FAST).flavour == "elasticsearch"


@pytest.mark.parametrize(
    ("status", "body", "part"),
    [
        (200, b"<html>hello</html>", "not JSON"),
        (200, b'{"hello": "world"}', "not Elasticsearch or OpenSearch"),
        (200, b"[]", "not Elasticsearch or OpenSearch"),
        (401, b'{"error": "hunter2 is wrong"}', "wrong credentials (401)"),
        (404, b"", "404"),
        (429, b"{}", "overloaded"),
        (500, b"oh no", "not JSON"),
        (503, b"{}", "503"),
    ],
)
def test_a_response_that_cannot_be_used_is_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, part: str
) -> None:
    monkeypatch.setenv("RESIFT_USERNAME", "me")
    monkeypatch.setenv("RESIFT_PASSWORD", "hunter2")
    with serving(status, body) as (url, _), pytest.raises(ResiftError) as error:
        connect(read_address(f"{url}/i"), FAST)
    text = str(error.value)
    assert part in text and "\n" not in text and "hunter2" not in text


def test_a_host_that_does_not_respond_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(StatusError, match="no connection; check that the engine runs"):
            connect(read_address(f"http://127.0.0.1:{taken.getsockname()[1]}/i"), FAST)
    with serving(200, b"{}", seconds=3.0) as (url, _), pytest.raises(StatusError, match="no response in time"):
        connect(read_address(f"{url}/i"), ConnectionSettings(max_retries=0, request_timeout=0.3))
    with serving(200, b"{}") as (url, _), pytest.raises(StatusError, match="does not use TLS"):
        connect(read_address(f"{url.replace('http:', 'https:')}/i"), FAST)


@pytest.mark.parametrize("flavour", ["elasticsearch", "opensearch"])
@pytest.mark.parametrize("missing", ["ca_certs", "client_cert", "client_key"])
def test_a_certificate_file_that_is_missing_is_reported_under_its_own_setting(
    tmp_path: Path, flavour: str, missing: str
) -> None:
    names = {field: tmp_path / f"{field}.pem" for field in ("ca_certs", "client_cert", "client_key")}
    for field, name in names.items():
        if field != missing:
            name.write_text("not read before all files are found")
    files = {field: str(name) for field, name in names.items()}
    with pytest.raises(SettingsError, match=f"{missing}.pem is not a file") as error:
        connect("https://localhost:1/i", ConnectionSettings(flavour=flavour, **files))  # type: ignore[arg-type]
    assert error.value.field == missing


def test_an_expired_key_has_its_own_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_API_KEY", "b2xkOm9uZQ==")
    words = {"reason": "unable to authenticate", "additional_unsuccessful_credentials": "API key: api key is expired"}
    body = {"error": {"type": "security_exception", **words}}
    with serving(401, json.dumps(body).encode(), ELASTIC) as (url, _), pytest.raises(StatusError) as error:
        connect(f"{url}/i", FAST)
    assert "has expired (401); set a new" in str(error.value)


def test_a_password_is_not_shown_as_encoded_in_the_header_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_USERNAME", "me")
    monkeypatch.setenv("RESIFT_PASSWORD", "hunter2")
    pair = base64.b64encode(b"me:hunter2").decode()
    body = json.dumps({"error": {"type": "x", "reason": f"bad header Basic {pair}"}}).encode()
    with serving(400, body, ELASTIC) as (url, _), pytest.raises(StatusError) as error:
        connect(url, FAST)
    assert "bad header" in str(error.value) and pair not in str(error.value)


def test_a_dead_host_is_skipped() -> None:
    with socket.socket() as taken, serving(200, json.dumps(INFO["opensearch 2"]).encode()) as (url, _):
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for _ in range(4):
            assert connect(read_address(f"{dead},{url.removeprefix('http://')}/i"), FAST).flavour == "opensearch"


def test_a_request_to_an_overloaded_engine_is_retried() -> None:
    with serving(503, b"{}") as (url, seen), pytest.raises(StatusError):
        connect(read_address(f"{url}/i"), ConnectionSettings(max_retries=3))
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"USERNAME": "me", "PASSWORD": "pw"}, "Basic bWU6cHc="),
        ({"USERNAME": "grün", "PASSWORD": "ß"}, "Basic Z3LDvG46w58="),
        ({"API_KEY": "abc"}, "ApiKey abc"),
        ({"BEARER_TOKEN": "tok"}, "Bearer tok"),
    ],
)
@pytest.mark.parametrize("engine", ["elasticsearch 8", "opensearch 2"])
def test_credentials_are_sent_in_the_header(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], expected: str, engine: str
) -> None:
    for name, value in names.items():
        monkeypatch.setenv(f"RESIFT_{name}", value)
    headers = ELASTIC if engine.startswith("elastic") else {}
    with serving(200, json.dumps(INFO[engine]).encode(), headers) as (url, seen):
        connect(read_address(f"{url}/i"), FAST).request("GET", "/x")
    assert [one["authorization"] for one in seen] == [expected] * 2


def test_requests_are_signed_for_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
    with serving(200, b"{}") as (url, seen):
        connect(read_address(f"{url}/i"), ConnectionSettings(aws_region="eu-west-1")).request("GET", "/x")
    assert seen[0]["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/es/aws4_request" in seen[0]["authorization"]


def test_a_cloud_id_connects_to_its_deployment() -> None:
    cloud_id = "mine:" + base64.b64encode(b"eu.example.io$abc123$def").decode()
    found = connect(read_address("cloud:articles"), ConnectionSettings(cloud_id=cloud_id))
    assert [node.base_url for node in found.client.transport.node_pool.all()] == ["https://abc123.eu.example.io:443"]
    with pytest.raises(SettingsError, match="`cloud_id`"):
        connect(read_address("cloud:articles"))


def test_credentials_are_read_from_a_file_and_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('username = "me"\npassword = "pw"\n')
    assert read_credentials(str(file), None, {}) == Credentials("me", "pw")
    assert read_credentials(None, lambda _: "typed", {"RESIFT_USERNAME": "me"}) == Credentials("me", "typed")
    assert "pw" not in repr(read_credentials(str(file), None, {}))
    assert read_credentials(str(file), None, {"RESIFT_USERNAME": "you"}) == Credentials("you", "pw")
    assert read_credentials(str(file), None, {"RESIFT_API_KEY": "key"}) == Credentials(api_key="key")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('password = "hunter2"', "without username"),
        ('passwort = "hunter2"', "'passwort' is not known"),
        ("hunter2", "not TOML"),
        ("api_key = 5", "in quotes"),
        ('api_key = "hunter2"\nbearer_token = "x"', "more than one"),
        ('api_key = "hunter2ü"', "header cannot hold"),
    ],
)
def test_a_credentials_file_that_cannot_be_used_gives_a_reason_without_secrets(
    tmp_path: Path, text: str, part: str
) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        read_credentials(str(tmp_path / "c.toml"), None, {})
    assert part in str(error.value) and "hunter2" not in str(error.value)


def test_the_command_line_does_not_show_secrets(tmp_path: Path) -> None:
    secret = {"RESIFT_USERNAME": "me", "RESIFT_PASSWORD": "hunter2"}
    with serving(401, b'{"error": "no"}') as (url, _):
        done = invoke("search", f"{url}/i", "x", env={**secret, "RESIFT_MAX_RETRIES": "0"})
    assert done.code == 1 and "401" in done.error_line
    assert "hunter2" not in done.err + done.out + invoke("config", env=secret).out


def test_options_of_an_engine_are_rejected_for_an_embedded_index() -> None:
    done = invoke("search", "bm25:x", "y", "--flavour", "opensearch")
    assert done.code == 2 and "--flavour" in done.error_line


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[1]",
        b'{"fields": 3}',
        b'{"error": {"type": "x", "reason": "hunter2"}, "status": 400}',
        b'{"fields": {"text": {"text": {}}}}',
        b'{"fields": {"text": {"text": {}}}, "_shards": [], "hits": []}',
        b'{"fields": {"text": {"text": {}}}, "_shards": {}, "hits": {"hits": [{"_score": 1}]}}',
    ],
)
def test_an_unexpected_response_is_one_line_and_not_a_defect(body: bytes) -> None:
    env = {"RESIFT_USERNAME": "me", "RESIFT_PASSWORD": "hunter2", "RESIFT_MAX_RETRIES": "0"}
    with serving(200, body) as (url, _):
        done = invoke("search", f"{url}/i", "x", "--flavour", "opensearch", "--model", "none", env=env)
    assert done.code == 1 and "defect" not in done.err and "hunter2" not in done.err
    assert len(done.err.strip().splitlines()) == 1 or "note: " in done.err
