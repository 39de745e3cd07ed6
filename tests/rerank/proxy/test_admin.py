"""The address where the proxy is switched and watched."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.proxy.admin import make_admin
from resift.rerank.proxy.rules import Rules
from resift.rerank.settings import RerankSettings

ALLOWED = {"X-Resift-Admin": "1"}


def made() -> Rules:
    return Rules((), IndexDefinitions.from_table({"articles": {}, "news-*": {}}), RerankSettings())


def ask(rules: Rules, method: str, path: str, ready: bool = True, **more: Any) -> httpx.Response:
    app = make_admin(rules, lambda: {"ready": ready, "model": "m"}, lambda: b"metric 1\n")

    async def whole() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://admin") as client:
            return await client.request(method, path, **more)

    return asyncio.run(whole())


def test_health_readiness_and_metrics_are_shown() -> None:
    assert ask(made(), "GET", "/health").json() == {"status": "ok"}
    for ready, status in ((True, 200), (False, 503)):
        found = ask(made(), "GET", "/ready", ready)
        assert (found.status_code, found.json()) == (status, {"ready": ready, "model": "m"})
    found = ask(made(), "GET", "/metrics")
    assert (found.text, found.headers["content-type"].partition(";")[0]) == ("metric 1\n", "text/plain")
    assert [ask(made(), "GET", path).status_code for path in ("/", "/switch/", "/nothing")] == [404, 307, 404]


def test_the_switch_shows_and_changes_the_modes() -> None:
    rules = made()
    assert ask(rules, "GET", "/switch").json() == {"all": None, "indices": {"articles": "on", "news-*": "on"}}
    for change, state in [
        ({"indices": {"articles": "shadow", "news-*": "off"}}, {"all": None, "indices": {"articles": "shadow", "news-*": "off"}}),
        ({"all": "off"}, {"all": "off", "indices": {"articles": "off", "news-*": "off"}}),
        ({"all": None, "indices": {"news-*": None}}, {"all": None, "indices": {"articles": "shadow", "news-*": "on"}}),
        ({"indices": {}}, {"all": None, "indices": {"articles": "shadow", "news-*": "on"}}),
    ]:  # fmt: skip
        found = ask(rules, "PUT", "/switch", json=change, headers=ALLOWED)
        assert (found.status_code, found.json()) == (200, state)


def test_a_change_needs_a_header_that_a_web_page_cannot_send() -> None:
    rules = made()
    found = ask(rules, "PUT", "/switch", json={"all": "off"})
    assert (found.status_code, rules.everything_off) == (403, False)
    assert "X-Resift-Admin: 1" in found.json()["error"]
    preflight = ask(
        rules, "OPTIONS", "/switch", headers={"Origin": "http://evil", "Access-Control-Request-Method": "PUT"}
    )
    assert preflight.status_code == 405 and "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
def test_other_methods_are_refused(method: str) -> None:
    assert ask(made(), method, "/switch", json={"all": "off"}, headers=ALLOWED).status_code == 405


WRONG: list[bytes] = [
    b"", b"off", b"null", b"[]", b"{}", b'"off"', b"1", b'{"all": "maybe"}', b'{"all": true}', b'{"all": ["off"]}', b'{"every": "off"}',
    b'{"all": "off", "every": 1}', b'{"indices": "off"}', b'{"indices": null}', b'{"indices": {"other": "off"}}',
    b'{"indices": {"articles": {}}}', b'{"all": "off", "indices": {"other": "off"}}', b'{"indices": {"articles": "off", "news-*": "x"}}',
    b"\xff\xfe", b'{"all": "\xff"}', b"[" * 100_000, b'{"all": ' + b"9" * 5000 + b"}", b'"' + b"x" * (2 << 20) + b'"', b'{"all": NaN}',
]  # fmt: skip


@pytest.mark.parametrize("body", WRONG, ids=[repr(body[:40]) for body in WRONG])
def test_a_wrong_change_is_refused_as_a_whole(body: bytes) -> None:
    rules = made()
    found = ask(rules, "PUT", "/switch", content=body, headers=ALLOWED)
    assert found.status_code == 400 and found.json()["error"]
    assert rules.describe() == {"all": None, "indices": {"articles": "on", "news-*": "on"}}
