"""The drop-in client over a fake client: whatever the request and the response are, the search does not fail."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from resift.rerank.plugin.wrapper import AsyncRerankingClient, RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError
from tests.rerank.forks import fork


class Last:
    """A scorer whose logit is the number at the end of a text."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        no = np.zeros(len(pairs), dtype=np.bool_)
        return Scores(np.array([float(text.split()[-1]) for _, text in pairs], dtype=np.float32), no, no)


def ten_hits(body: dict[str, Any]) -> dict[str, Any]:
    """Respond with the requested page of ten hits."""
    start, size = body.get("from", 0), body.get("size", 10)
    sources = [{"title": f"number {n}", "comments": [{"body": f"said {n}"}], "n": n} for n in range(10)]
    hits = [{"_id": str(n), "_score": 10.0 - n, "_source": sources[n]} for n in range(10)]
    return {"hits": {"max_score": 10.0, "hits": hits[start : start + size]}}


class Client:
    """A client that records its requests, and responds to each search body by a function."""

    def __init__(self, respond: Callable[[dict[str, Any]], Any] = ten_hits) -> None:
        self.requests: list[dict[str, Any]] = []
        self.respond = respond

    def search(self, *, body: Any = None, index: Any = None, **more: Any) -> Any:
        self.requests.append({**(body or {}), **more})
        return self.respond({**(body or {}), **more})

    def msearch(self, *, body: Any, index: Any = None, **more: Any) -> Any:
        self.requests.append({"body": body})
        lines = body if isinstance(body, list) else [{}] * len(body.strip("\n").split("\n"))
        return {"responses": [self.respond(line) for line in lines[1::2]]}


class AsyncClient(Client):
    """The same, to be awaited."""

    async def search(self, *, body: Any = None, index: Any = None, **more: Any) -> Any:
        return super().search(body=body, index=index, **more)


def wrapped(client: Client, fields: Sequence[str] = ("title",), **options: Any) -> RerankingClient:
    return RerankingClient(client, Reranker(Last(), RerankSettings(fusion="none")), fields, **options)


def ids(response: Any) -> list[str]:
    return [hit["_id"] for hit in response["hits"]["hits"]]


MATCH = {"query": {"match": {"title": "number"}}}


def test_the_window_is_requested_and_the_page_cut_from_it() -> None:
    client = Client()
    found = wrapped(client).search(body={**MATCH, "from": 1, "size": 2})
    assert ids(found) == ["8", "7"] and found.resift.status == "reranked"
    assert client.requests == [{**MATCH, "from": 0, "size": 100}]


def test_the_window_is_the_rerankers_own_unless_the_client_or_the_call_gives_another() -> None:
    client = Client()
    own = Reranker(Last(), RerankSettings(rank_window_size=3, fusion="none"))
    four = RerankingClient(client, own, ["title"], rank_window_size=4)
    page = {**MATCH, "size": 2}
    found = [
        RerankingClient(client, own, ["title"]).search(body=page),
        four.search(body=page),
        four.search(body=page, rank_window_size=5),
    ]
    assert [(ids(one), one.resift.scored) for one in found] == [(["2", "1"], 3), (["3", "2"], 4), (["4", "3"], 5)]
    assert [request["size"] for request in client.requests] == [3, 4, 5]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({**MATCH, "size": -1}, "below 0"),
        ({**MATCH, "size": "many"}, "not a number"),
        ({**MATCH, "_source": 5}, "not understood"),
        ({"query": ["not", "a", "query"]}, "no query text"),
    ],
)
def test_an_unsupported_request_is_sent_unchanged(request_: dict[str, Any], reason: str) -> None:
    client = Client(lambda body: {"hits": {"hits": []}})
    found = wrapped(client).search(body=copy.deepcopy(request_))
    assert client.requests == [request_]
    assert found.resift.status == "passed" and reason in found.resift.reason


def test_a_client_of_the_other_kind_and_what_is_not_a_client_are_refused() -> None:
    own = Reranker(Last())
    for kind, client, part in (
        (RerankingClient, AsyncClient(), "AsyncClient is for AsyncRerankingClient"),
        (AsyncRerankingClient, Client(), "Client is for RerankingClient"),
        (RerankingClient, "http://localhost:9200", "is not a client"),
    ):
        with pytest.raises(SettingsError, match=part):
            kind(client, own, ["title"])


@pytest.mark.parametrize(
    ("reranker", "fields", "field"),
    [
        (Last(), ["title"], "reranker"),
        ("default", ["title"], "reranker"),
        (Reranker(Last()), "title", "fields"),
        (Reranker(Last()), [], "fields"),
        (Reranker(Last()), [1], "fields"),
    ],
)
def test_a_reranker_or_fields_of_another_type_are_refused(reranker: Any, fields: Any, field: str) -> None:
    with pytest.raises(SettingsError, match=" is not a ") as caught:
        RerankingClient(Client(), reranker, fields)
    assert caught.value.field == field


def test_model_none_for_one_call_keeps_the_engines_order() -> None:
    found = wrapped(Client()).search(body={**MATCH, "size": 2}, model="none")
    assert ids(found) == ["0", "1"] and found.resift.status == "passed"


@pytest.mark.parametrize("answer", [{"hits": {}}, {"hits": {"hits": [{"_id": "1"}]}}, {"hits": None}])
def test_a_response_that_cannot_be_reranked_is_returned_unchanged(answer: dict[str, Any]) -> None:
    found = wrapped(Client(lambda body: copy.deepcopy(answer))).search(body=MATCH)
    assert found == answer and found.resift.status == "failed"


def test_a_response_keeps_its_own_type() -> None:
    class Answer(dict[str, Any]):
        """As a vendor's own dictionary with attributes."""

    found: Any = wrapped(Client(lambda body: Answer(ten_hits(body)))).search(body=MATCH)
    assert type(found).__mro__[1] is Answer and found.resift.status == "reranked"


def test_fields_added_for_the_model_are_removed_from_arrays() -> None:
    found = wrapped(Client(), ["comments.body"]).search(body={**MATCH, "_source": ["title"], "size": 1})
    assert found["hits"]["hits"][0]["_source"] == {"title": "number 9", "n": 9}  # the fake filters nothing itself


def test_scores_that_are_null_below_the_window_stay_null() -> None:
    def respond(body: dict[str, Any]) -> dict[str, Any]:
        made = ten_hits(body)
        for hit in made["hits"]["hits"][5:]:
            hit["_score"] = None
        return made

    found = wrapped(Client(respond), scores="model", rank_window_size=5).search(body=MATCH)
    assert [hit["_score"] for hit in found["hits"]["hits"]] == [4.0, 3.0, 2.0, 1.0, 0.0, *[None] * 5]
    assert found["hits"]["max_score"] == 4.0


def test_lines_of_many_searches_end_at_line_feeds_alone_and_an_empty_one_is_a_header() -> None:
    client = Client()
    text = '{}\n{"query": {"match": {"title": "a\u2028b"}}, "size": 1}\n\n{"query": {"match": {"title": "c"}}}\n'
    found = wrapped(client).msearch(body=text)
    assert [one.status for one in found.resift] == ["reranked", "reranked"]
    assert [line.get("size") for line in client.requests[0]["body"]] == [None, 100, None, 100]
    assert ids(found["responses"][0]) == ["9"]


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ([{}, MATCH], {"filter_path": "responses.hits.total"}),
        ([{}, MATCH], {"params": {"filter_path": "took"}}),
        ([{}, MATCH], {"enabled": False}),
        ("{}\nno json\n", {}),
        ([{}, MATCH, {}], {}),
    ],
)
def test_many_searches_that_cannot_be_reranked_are_sent_unchanged(body: Any, more: dict[str, Any]) -> None:
    client = Client()
    found = wrapped(client).msearch(body=copy.deepcopy(body), **more)
    assert client.requests[0]["body"] == body and len(client.requests) == 1
    assert {one.status for one in found.resift} == {"passed"}


def test_a_search_among_many_whose_window_is_refused_is_repeated_unchanged() -> None:
    def respond(body: dict[str, Any]) -> dict[str, Any]:
        refused = body["index"] == "small" and body["size"] > 50
        return {"error": "too large", "status": 400} if refused else ten_hits(body)

    small, large = {**MATCH, "size": 2, "index": "small"}, {**MATCH, "size": 2, "index": "large"}
    client = Client(respond)
    found = wrapped(client).msearch(body=[{}, large, {}, small])
    assert client.requests[1:] == [{"body": [{}, small]}]
    assert [one.status for one in found.resift] == ["reranked", "failed"]
    assert [ids(one) for one in found["responses"]] == [["9", "8"], ["0", "1"]]


def test_hybrid_searches_among_many_are_repeated_unchanged_if_the_model_fails() -> None:
    class Fails:
        def score(self, pairs: Sequence[Pair]) -> Scores:
            raise ValueError("bad")

    hybrid, client = {"query": {"hybrid": {"queries": [MATCH["query"]]}}, "size": 3}, Client()
    found = RerankingClient(client, Reranker(Fails()), ["title"]).msearch(body=[{}, MATCH, {}, hybrid])
    assert client.requests[1:] == [{"body": [{}, hybrid]}]
    assert [one.status for one in found.resift] == ["failed", "failed"]
    assert [len(ids(one)) for one in found["responses"]] == [10, 3]


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_its_own_worker() -> None:
    client = wrapped(Client())
    assert client.search(body=MATCH).resift.status == "reranked"
    child = fork()
    if not child:
        signal.alarm(20)  # ends a child that waits for its parent's thread
        with contextlib.suppress(BaseException):
            os._exit(0 if client.search(body=MATCH).resift.status == "reranked" else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), TimeoutError("mine"), ValueError("bad")])
def test_an_exception_of_any_kind_in_the_model_keeps_the_engines_order(raised: BaseException) -> None:
    class Raises:
        def score(self, pairs: Sequence[Pair]) -> Scores:
            raise raised

    found = RerankingClient(Client(), Reranker(Raises()), ["title"]).search(body={**MATCH, "size": 2})
    assert ids(found) == ["0", "1"] and found.resift.status == "failed"


def test_too_few_scores_from_the_model_keep_the_engines_order() -> None:
    class Few(Last):
        def score(self, pairs: Sequence[Pair]) -> Scores:
            return super().score(pairs[1:])

    found = RerankingClient(Client(), Reranker(Few()), ["title"]).search(body=MATCH)
    assert found.resift.status == "failed" and "9 scores for 10 pairs" in found.resift.reason
    assert ids(found) == [str(n) for n in range(10)]


def test_an_infinite_deadline_means_no_limit() -> None:
    assert wrapped(Client()).search(body=MATCH, deadline_ms=float("inf")).resift.status == "reranked"


def test_searches_from_an_iterator_are_read_once() -> None:
    client = Client()
    found = wrapped(client).msearch(body=iter([{}, {**MATCH, "sort": "n"}]))
    assert client.requests[0]["body"] == [{}, {**MATCH, "sort": "n"}] and found.resift[0].status == "passed"


def test_cancelling_an_asynchronous_search_cancels_the_request() -> None:
    cancelled = []

    class Slow(AsyncClient):
        async def search(self, **arguments: Any) -> Any:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.append(arguments)
                raise

    async def begin() -> None:
        client = AsyncRerankingClient(Slow(), Reranker(Last()), ["title"])
        await asyncio.wait_for(client.search(body=MATCH), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(begin())
    assert len(cancelled) == 1


def test_an_asynchronous_search_is_reranked_in_the_same_way() -> None:
    client = AsyncRerankingClient(AsyncClient(), Reranker(Last(), RerankSettings(fusion="none")), ["title"])
    assert ids(asyncio.run(client.search(body={**MATCH, "size": 2}))) == ["9", "8"]
