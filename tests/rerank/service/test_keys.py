"""Keys: who has one is served under its name, all others get status 401, and no key is ever shown."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.rerank.service.raw_http import ask, request
from tests.rerank.service.running import WAIT, Running, running_service, started_service

FIRST = "first-0123456789abcdef"
SECOND = "second-0123456789abcdef"
THIRD = "third-0123456789abcdef"

CALL = {"text_1": "a", "text_2": "b"}


def call(service: Running, key: str | None) -> httpx.Response:
    """Return the answer to a good request with `key`."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{service.url}/score", json=CALL, headers=headers, timeout=WAIT)


def refused(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Return what a service says that does not start because of its settings."""
    with started_service("--model", "resift-tiny", *arguments, environment=environment) as service:
        assert service.process.wait(WAIT) == 2
    assert "Traceback" not in "".join(service.plain)
    assert service.plain[-1].startswith("resift: error: ")
    return service.plain[-1]


def statuses(service: Running, *keys: str | None) -> list[int]:
    return [call(service, key).status_code for key in keys]


def reload(service: Running, event: str, count: int = 1) -> None:
    """Send SIGHUP and wait until the log has the outcome."""
    service.process.send_signal(signal.SIGHUP)
    service.wait_for(event, count)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with two keys, one of which has a name."""
    path = tmp_path_factory.mktemp("keys") / "keys.txt"
    path.write_text(f"# the keys of this test\n\nshop:{FIRST}\n  {SECOND}  \n", encoding="utf-8")
    with running_service("--model", "resift-tiny", "--keys-file", str(path)) as found:
        yield found


def test_each_key_of_a_file_is_served(locked: Running) -> None:
    assert statuses(locked, FIRST, SECOND) == [200, 200]


def test_the_log_names_the_caller_and_never_has_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"shop:{FIRST}\n{SECOND}\n", encoding="utf-8")
    with running_service("--model", "resift-tiny", "--keys-file", str(path)) as service:
        statuses(service, FIRST, SECOND, THIRD, "shop", f"shop:{FIRST}")
        reload(service, "reloaded")
        assert service.stop() == 0
        service.wait_for("stopped")
        callers = [line["caller"] for line in service.lines if line["event"] == "request"]
        assert callers == ["shop", "key-2", "127.0.0.1", "127.0.0.1", "127.0.0.1"]
        shown = json.dumps(service.lines) + "".join(service.plain)
        assert not any(key in shown for key in (FIRST, SECOND, THIRD))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer  \t ",
        f"Bearer {THIRD}",
        f"Bearer {FIRST[:-1]}",
        f"Bearer {FIRST}x",
        f"Bearer {FIRST.upper()}",
        f"Bearer shop:{FIRST}",
        f"Bearer {FIRST} {SECOND}",
        f"Bearer {FIRST},{SECOND}",
        f'Bearer "{FIRST}"',
        f"Basic {FIRST}",
        f"Basic shop:{FIRST}",
        f"Token {FIRST}",
        FIRST,
        "Bearer \xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9",
        "Bearer " + "x" * 60_000,
        "Bearer *",
        "Bearer shop",
    ],
)
def test_a_wrong_or_missing_key_gets_401_and_is_not_repeated(locked: Running, header: str | None) -> None:
    given = {} if header is None else {"Authorization": header}
    answer = ask(locked.url, request("/score", json.dumps(CALL).encode(), given))
    found = answer.json()
    assert (answer.status, found["error_type"]) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert FIRST not in str(found) and THIRD not in str(found)


def test_the_scheme_is_read_in_any_case_and_with_more_blanks(locked: Running) -> None:
    body = json.dumps(CALL).encode()
    for header in (f"bearer {FIRST}", f"BEARER  {FIRST}", f"Bearer {FIRST} "):
        assert ask(locked.url, request("/score", body, {"Authorization": header})).status == 200


def test_a_key_in_another_place_than_the_header_does_not_count(locked: Running) -> None:
    body = json.dumps({**CALL, "key": FIRST, "api_key": FIRST}).encode()
    for headers in ({}, {"X-Api-Key": FIRST}, {"Cookie": f"key={FIRST}"}, {"Proxy-Authorization": f"Bearer {FIRST}"}):
        assert ask(locked.url, request(f"/score?key={FIRST}&api_key={FIRST}", body, headers)).status == 401


def test_every_route_but_those_of_health_needs_a_key(locked: Running) -> None:
    routes = [
        *[("POST", path) for path in ("/rerank", "/v1/rerank", "/v2/rerank", "/score", "/admin/reload")],
        *[("GET", path) for path in ("/info", "/v1/models", "/metrics", "/openapi.json", "/docs", "/", "/nowhere")],
        *[("GET", path) for path in ("/health/", "//health", "/health/../info", "/%68ealth/x", "/HEALTH")],
        *[("OPTIONS", "/score"), ("HEAD", "/info"), ("DELETE", "/v1/models"), ("GET", "/rerank")],
    ]
    for method, path in routes:
        answer = httpx.request(method, f"{locked.url}{path}", timeout=WAIT)
        assert answer.status_code == 401, (method, path)
    for path in ("/health", "/ready", "/ping"):
        assert httpx.get(f"{locked.url}{path}", timeout=WAIT).status_code == 200


def test_a_wrong_key_is_refused_before_the_body_is_received(locked: Running) -> None:
    headers = {"Content-Length": str(100 << 20), "Authorization": f"Bearer {THIRD}"}
    answer = ask(locked.url, request("/score", b"{", headers))
    assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_the_document_says_that_keys_are_needed(locked: Running) -> None:
    found = httpx.get(f"{locked.url}/openapi.json", headers={"Authorization": f"Bearer {SECOND}"}, timeout=WAIT).json()
    assert found["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert found["paths"]["/score"]["post"]["security"] == [{"key": []}]


def test_keys_come_from_the_environment_if_no_file_is_named() -> None:
    keys = {"RESIFT_SERVICE_KEYS": f"shop:{FIRST}, {SECOND},,"}
    with running_service("--model", "resift-tiny", environment=keys) as service:
        assert statuses(service, FIRST, SECOND, THIRD, None) == [200, 200, 401, 401]
        reload(service, "reloaded")
        assert statuses(service, FIRST, SECOND, THIRD) == [200, 200, 401]


def test_a_file_of_keys_has_precedence_over_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(FIRST, encoding="utf-8")
    keys = {"RESIFT_SERVICE_KEYS": SECOND}
    with running_service("--model", "resift-tiny", "--keys-file", str(path), environment=keys) as service:
        assert statuses(service, FIRST, SECOND) == [200, 401]


def test_sighup_adds_and_removes_keys_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{FIRST}\n{SECOND}\n", encoding="utf-8")
    with running_service("--model", "resift-tiny", "--keys-file", str(path)) as service:
        assert statuses(service, FIRST, SECOND, THIRD) == [200, 200, 401]
        path.write_text(f"{SECOND}\n{THIRD}\n", encoding="utf-8")
        reload(service, "reloaded")
        assert statuses(service, FIRST, SECOND, THIRD) == [401, 200, 200]
        for number, text in enumerate(("short\n", "", "# none\n", f"{FIRST}\na b c\n"), start=1):
            path.write_text(text, encoding="utf-8")
            reload(service, "reload failed", number)
            assert statuses(service, FIRST, SECOND, THIRD) == [401, 200, 200]
        path.unlink()
        reload(service, "reload failed", 5)
        assert statuses(service, FIRST, SECOND, THIRD) == [401, 200, 200]
        assert FIRST not in json.dumps(service.lines)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"# no key\n\n",
        b"short\n",
        b"fifteen-letters\n",
        f"{FIRST} {SECOND}\n".encode(),
        b"\xc3\xa9" * 20 + b"\n",
        f"two words:{FIRST}\n".encode(),
        f"shop:{FIRST}\nshop:\n".encode(),
        b"\xff\xfe" + FIRST.encode("utf-16-le"),
        b"\x00" * 32,
    ],
)
def test_a_file_without_proper_keys_ends_the_start_with_a_message_that_shows_no_key(
    tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "keys"
    path.write_bytes(text)
    message = refused("--keys-file", str(path))
    assert "keys" in message and FIRST not in message


def test_a_file_of_keys_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    assert "cannot be read" in refused("--keys-file", str(tmp_path / "none"))


def test_short_keys_of_the_environment_end_the_start() -> None:
    message = refused(environment={"RESIFT_SERVICE_KEYS": "short"})
    assert "RESIFT_SERVICE_KEYS" in message and "short" not in message.replace("shorter", "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_an_address_that_others_reach_is_refused_without_keys(host: str) -> None:
    message = refused("--host", host)
    assert "can be reached by others, and no key is needed" in message and "insecure" in message


def test_a_port_that_is_in_use_ends_the_start_with_its_number(service: Running) -> None:
    port = service.url.rsplit(":", 1)[1]
    message = refused("--port", port)
    assert f"127.0.0.1:{port} cannot be listened on" in message
