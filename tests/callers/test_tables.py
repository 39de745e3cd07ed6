"""The tables of docs/callers.md say what the service does."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from resift.rerank.service.settings import ServeSettings
from tests.callers.programs import DOCUMENTS, KEY, PAGE, QUERY
from tests.rerank.service.running import Running

AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this heading."""
    [table] = re.findall(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def first_names(heading: str) -> list[str]:
    """Return the names in backticks in the first column of a table."""
    return [name for row in rows(heading) for name in re.findall(r"`([^`]+)`", row[0])]


def post(service: Running, body: dict[str, Any], path: str = "/v1/rerank") -> httpx.Response:
    return httpx.post(service.url + path, json=body, headers={**AUTHORIZED, "X-Request-Id": "callers/1"})


def test_the_members_of_a_request_are_those_of_the_openapi_document(locked_service: Running) -> None:
    document = httpx.get(f"{locked_service.url}/openapi.json", headers=AUTHORIZED).json()
    known = document["components"]["schemas"]["RerankV1Request"]["properties"]
    assert [name for name in first_names("member of the request") if name not in known] == []


def test_the_members_of_a_reply_are_there(locked_service: Running) -> None:
    reply = post(locked_service, {"query": QUERY, "documents": DOCUMENTS, "return_documents": True}).json()
    for name in first_names("member of the reply"):
        value: Any = reply
        for part in name.replace("[]", ".0").split("."):
            value = value[int(part) if part.isdigit() else part]
    assert (reply["id"], reply["results"][0]["document"]) == ("callers/1", {"text": DOCUMENTS[1]})


def test_the_headers_of_a_reply_are_there(locked_service: Running) -> None:
    reply = post(locked_service, {"query": QUERY, "documents": [*DOCUMENTS, "cats eat fish " * 2000]})
    missing = {name for name in first_names("header of the reply") if name not in reply.headers}
    assert missing == {"X-Resift-Degraded", "Retry-After"}  # under load only
    assert (reply.headers["X-Resift-Scored"], reply.headers["X-Resift-Truncated"]) == ("11/11", "1")


def test_a_request_whose_time_is_up_returns_every_document(locked_service: Running) -> None:
    texts = [f"{place} " + "cats eat fish and mice " * 40 for place in range(2000)]
    reply = post(locked_service, {"query": QUERY, "documents": texts, "timeout_ms": 1}).json()
    order = [result["index"] for result in reply["results"]]
    assert reply["resift"]["partial"] and sorted(order) == list(range(2000))
    assert order[reply["resift"]["scored"] :] == sorted(order[reply["resift"]["scored"] :])


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, httpx.Request("POST", "http://x/v1/rerank", headers=AUTHORIZED, content=b"no JSON")),
        (400, httpx.Request("POST", "http://x/v1/rerank", headers=AUTHORIZED, json={"query": " ", "documents": ["a"]})),
        (401, httpx.Request("POST", "http://x/v1/rerank", json={"query": "a", "documents": ["a"]})),
        (404, httpx.Request("POST", "http://x/v3/rerank", headers=AUTHORIZED, json={})),
        (405, httpx.Request("GET", "http://x/v1/rerank", headers=AUTHORIZED)),
        (413, httpx.Request("POST", "http://x/v1/rerank", headers=AUTHORIZED, json={"query": "a", "documents": ["a"] * 10_001})),
        (415, httpx.Request("POST", "http://x/v1/rerank", headers={**AUTHORIZED, "Content-Encoding": "br"}, content=b"")),
        (422, httpx.Request("POST", "http://x/v1/rerank", headers=AUTHORIZED, json={"query": "a", "documents": [1]})),
    ],
)  # fmt: skip
def test_an_error_has_the_type_that_the_table_of_status_codes_names(
    status: int, request_: httpx.Request, locked_service: Running
) -> None:
    request_.url = httpx.URL(locked_service.url).copy_with(path=request_.url.path)
    with httpx.Client() as client:
        reply = client.send(request_)
    error = reply.json()
    [row] = [row for row in rows("status") if row[0] == str(status)]
    assert reply.status_code == status and f"`{error['error_type']}`" in row[1]
    assert (
        set(error) - {"detail"} == {"error", "error_type", "message", "request_id"}
        and error["error"] == error["message"]
    )


def test_the_limits_are_the_defaults_of_the_service() -> None:
    shown = {re.sub("[`-]", "_", row[2]).strip("_"): float(row[1]) for row in rows("limit")}
    settings = ServeSettings()
    assert len(shown) == 7
    assert shown == {name: float(getattr(settings, name)) for name in shown}
