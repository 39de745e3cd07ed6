"""`X-Resift-Details`: what the responses of the proxy say of each hit when a caller asks for it, and only then."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from resift.rerank.candidates import Candidate, to_ranking
from resift.rerank.explained_passage import ExplainedPassage
from resift.rerank.occlusion import WordEffects
from resift.rerank.passages import PassageScores
from resift.rerank.plugin.request import Plan, plan
from resift.rerank.plugin.response import Outcome
from resift.rerank.proxy.details import Wish, add_details, read_wish
from resift.rerank.proxy.scoring import Scored
from resift.rerank.proxy.work import Treated
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Scores
from resift.retrieval.types import Document, Query
from tests.engine.proxying import Answer, ask
from tests.rerank.proxy.running_proxy import running_proxy
from tests.rerank.ranked import TableScorer
from tests.rerank.service.running import Running

SOURCES = [
    {"title": "Dogs", "text": "They bark at night. " * 200},
    {"title": "Rain", "text": "It rained all day."},
    {"title": "", "text": ""},
    {"title": "Cats", "text": "They live on meat and fish."},
    {"title": "Cows", "text": "They eat grass."},
]
MATCH = {"query": {"match": {"text": "what do cats eat"}}}


class Engine(BaseHTTPRequestHandler):
    """An engine that answers each search with a page of the same five hits."""

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
        many = "msearch" in self.path
        found = [_found(json.loads(line)) for line in (lines[1::2] if many else lines)]
        body = json.dumps({"responses": found} if many else found[0]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _found(body: dict[str, Any]) -> dict[str, Any]:
    hits = [
        {"_index": "articles", "_id": f"d{n}", "_score": 5.0 - n, "_source": source} for n, source in enumerate(SOURCES)
    ]
    start, size = body.get("from", 0), body.get("size", 10)
    return {"took": 1, "_shards": {"failed": 0}, "hits": {"hits": hits[start : start + size]}}


@pytest.fixture(scope="module")
def proxy() -> Iterator[Running]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        options = ("--index", "articles", "--field", "title", "--field", "text", "--search-deadline-ms", "60000")
        with running_proxy(f"http://127.0.0.1:{server.server_address[1]}", *options) as running:
            yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def searched(proxy: Running, details: str | None, **members: Any) -> Answer:
    headers = {} if details is None else {"X-Resift-Details": details}
    answer = ask(proxy.url, "POST", "/articles/_search", {**MATCH, **members}, headers)
    assert answer.status == 200 and answer.treatment == "reranked"
    return answer


def hits(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.json()["hits"]["hits"]
    return found


def test_each_hit_says_where_it_was_and_why_it_moved(proxy: Running) -> None:
    answer = searched(proxy, "on")
    found = {hit["_id"]: hit["_resift"] for hit in hits(answer)}
    assert [hit["rank"] for hit in found.values()] == [1, 2, 3, 4, 5]
    assert {doc_id: hit["first_stage_rank"] for doc_id, hit in found.items()} == {f"d{n}": n + 1 for n in range(5)}
    cats = found["d3"]
    assert (cats["doc_id"], cats["first_stage_score"]) == ("d3", 2.0)
    assert cats["passage"]["text"] == "Cats They live on meat and fish."
    assert cats["passage"]["field"] == {"name": "text", "start": 0, "end": 27}
    parts = cats["fused_from"]
    by_hand = parts["weight"] * parts["logit_z"] + (1 - parts["weight"]) * parts["first_stage_z"]
    assert cats["fused"] == pytest.approx(by_hand, abs=1e-6)
    assert (found["d2"]["unscored"], found["d2"]["passage"], found["d2"]["rank"]) == ("no text", None, 5)
    assert found["d0"]["passage"]["end"] < found["d0"]["passage"]["length"] and found["d0"]["fused_from"]["read"] < 1
    whole = answer.json()["_resift"]
    assert (whole["status"], whole["scored"], whole["without_text"]) == ("reranked", 4, 1)
    assert whole["fusion"]["kind"] == "zscore-read" and whole["fusion"]["scale"]["first_stage"]["mean"] == 3.0
    assert "missing" not in whole and not any("words" in hit for hit in found.values())


@pytest.mark.parametrize("details", [None, "off", "", "yes"])
def test_without_the_wish_the_response_has_no_member_of_ours(proxy: Running, details: str | None) -> None:
    assert b"_resift" not in searched(proxy, details).body


def test_the_words_of_the_hit_at_a_rank_of_the_page_are_explained(proxy: Running) -> None:
    first = searched(proxy, "words=1", size=2)
    best, other = (hit["_resift"] for hit in hits(first))
    assert best["words"]["missing"] is None and "words" not in other
    text = best["passage"]["text"]
    assert all(text[one["start"] : one["end"]] == one["word"] for one in best["words"]["passage"])
    assert {one["word"] for one in best["words"]["query"]} == {"what", "do", "cats", "eat"}
    effects = [abs(one["effect"]) for one in best["words"]["passage"]]
    assert effects == sorted(effects, reverse=True)


@pytest.mark.parametrize(
    ("details", "reason"), [("words=3", "words=3 is not on the page"), ("words=x", "words is not the rank")]
)
def test_a_rank_that_is_not_there_is_reported_and_the_hits_are_explained(
    proxy: Running, details: str, reason: str
) -> None:
    answer = searched(proxy, details, size=2)
    assert reason in answer.json()["_resift"]["missing"]
    assert all(hit["_resift"]["passage"] and "words" not in hit["_resift"] for hit in hits(answer))


def test_a_hit_without_text_says_why_it_has_no_words(proxy: Running) -> None:
    last = hits(searched(proxy, "words=5"))[-1]["_resift"]
    assert last["words"] == {"passage": [], "query": [], "missing": "the model did not score it (no text)"}


def test_hits_of_a_later_page_have_their_ranks_and_say_that_the_order_is_remembered(proxy: Running) -> None:
    first = hits(searched(proxy, "on", size=2, min_score=0.5))
    answer = searched(proxy, "words=1", size=2, min_score=0.5, **{"from": 2})
    later = [hit["_resift"] for hit in hits(answer)]
    assert [hit["rank"] for hit in later] == [3, 4] and answer.json()["_resift"]["remembered"]
    assert {hit["unscored"] for hit in later} == {"remembered"} and {hit["logit"] for hit in later} == {None}
    assert later[0]["words"]["missing"] == "the model did not score it (remembered)"
    assert set(later[1]) == set(first[0]["_resift"])


def test_of_several_searches_the_words_of_the_first_are_explained(proxy: Running) -> None:
    body = "".join(json.dumps(line) + "\n" for line in [{}, {**MATCH, "size": 1}] * 2).encode()
    headers = {"X-Resift-Details": "words=1", "Content-Type": "application/x-ndjson"}
    responses = ask(proxy.url, "POST", "/articles/_msearch", body, headers).json()["responses"]
    found = [response["hits"]["hits"][0]["_resift"] for response in responses]
    assert ["words" in hit for hit in found] == [True, False]
    assert {**found[0], "words": None} == {**found[1], "words": None}
    assert [response["_resift"]["status"] for response in responses] == ["reranked", "reranked"]


@pytest.mark.parametrize(
    ("header", "wish"),
    [
        (b"ON", Wish()),
        (b" words = 12 ", Wish(12)),
        (b"Words=1", Wish(1)),
        (None, None),
        (b"", None),
        (b"true", None),
        (b"wordss=1", None),
    ],
)
def test_a_wish_is_read_from_its_header(header: bytes | None, wish: Wish | None) -> None:
    assert read_wish(header) == wish


@pytest.mark.parametrize(
    "header", [b"words", b"words=", b"words=0", b"words=-1", b"words=1.5", b"words=123456", b"words=\xb2"]
)
def test_a_rank_that_cannot_be_read_is_a_problem(header: bytes) -> None:
    wish = read_wish(header)
    assert wish is not None and wish.rank is None and "not the rank" in wish.problem


async def broken(query: str, passage: ExplainedPassage) -> WordEffects:
    """Fail to explain words."""
    raise RuntimeError("a defect")


def test_words_that_fail_are_left_out_and_the_rest_is_answered() -> None:
    given = [Candidate(Document("", text), score) for text, score in (("one", 2.0), ("two", 1.0))]
    [result] = Reranker(TableScorer(one=1.0, two=2.0)).rerank([to_ranking(Query("q", "w"), given)])
    one = Treated("reranked", Outcome("reranked"), first_stage=("a", "b"), order=(1, 0), scored=Scored(result, 2, 2))
    body: dict[str, Any] = {"hits": {"hits": [{"_id": "b", "_score": 1.0}, {"_id": "a", "_score": 2.0}]}}
    asyncio.run(add_details(body, [one], Wish(1), broken))
    assert body["_resift"]["missing"] == "failed: RuntimeError"
    assert [(hit["_resift"]["doc_id"], hit["_resift"]["logit"]) for hit in body["hits"]["hits"]] == [("b", 2), ("a", 1)]


def test_an_explanation_that_fails_is_left_out_and_the_hits_stay() -> None:
    body: dict[str, Any] = {"hits": {"hits": [{"_id": "b"}]}}
    asyncio.run(add_details(body, [Treated("reranked", Outcome("reranked"), order=(0,), first=7)], Wish(), broken))
    assert body["_resift"]["missing"] == "failed: ValueError" and body["hits"]["hits"] == [{"_id": "b"}]


def test_hits_that_were_not_scored_in_time_say_so_and_those_behind_the_window_too() -> None:
    given = [Candidate(Document("", text)) for text in ("one", "two", "three")]
    window = Reranker(TableScorer()).window(to_ranking(Query("q", "w"), given)).only([0])
    scores = Scores(np.ones(1, np.float32), np.zeros(1, bool), np.zeros(1, bool))
    result = Reranker(TableScorer()).reorder(window, PassageScores(scores, [None], np.ones(1)))
    made = plan(MATCH, ["text"], 2)
    assert isinstance(made, Plan)
    one = Treated(
        "partial 1/2", Outcome("reranked"), made, ("a", "b", "c"), order=(0, 1, 2), scored=Scored(result, 1, 2)
    )
    body: dict[str, Any] = {"hits": {"hits": [{"_id": name, "_score": None} for name in "abc"]}}
    asyncio.run(add_details(body, [one], Wish(), broken))
    found = [hit["_resift"] for hit in body["hits"]["hits"]]
    assert [hit["unscored"] for hit in found] == [None, "not in time", "below the window"]
    assert {hit["first_stage_score"] for hit in found} == {None}
