"""`explain_hits`: the outcome of a wrapped search explains each hit of the page, and nothing else changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from resift.rerank.explanation import fusion_json
from resift.rerank.occlusion import explain_words
from resift.rerank.plugin.wrapper import AsyncRerankingClient, RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError

MATCH = {"query": {"match": {"text": "number"}}}


class Last:
    """A scorer whose logit is the number at the end of a text, 0 without one."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        no = np.zeros(len(pairs), dtype=np.bool_)
        ends = [(text.split() or ["0"])[-1] for _, text in pairs]
        return Scores(np.array([float(end) if end.isdigit() else 0.0 for end in ends], dtype=np.float32), no, no)


class Client:
    """A client with ten hits, of which the last has no text; `scored`: whether its engine gives scores."""

    def __init__(self, scored: bool = True) -> None:
        self.scored = scored

    def search(self, *, body: Any, index: Any = None) -> Any:
        texts = [f"said {n}" for n in range(9)] + [""]
        hits = [
            {
                "_id": f"d{n}",
                "_score": 10.0 - n if self.scored else None,
                "_source": {"title": f"T{n}", "text": texts[n]},
            }
            for n in range(10)
        ]
        start = body.get("from", 0)
        return {"hits": {"max_score": 10.0, "hits": hits[start : start + body.get("size", 10)]}}

    def msearch(self, *, body: Any, index: Any = None) -> Any:
        return {"responses": [self.search(body=one) for one in body[1::2]]}


class AsyncClient(Client):
    """The same, to be awaited."""

    async def search(self, *, body: Any, index: Any = None) -> Any:
        return super().search(body=body)


def wrapped(client: Client | None = None, fusion: str = "zscore", **settings: Any) -> RerankingClient:
    reranker = Reranker(Last(), RerankSettings(fusion=fusion, **settings))
    return RerankingClient(client or Client(), reranker, ["title", "text"])


def test_each_hit_of_the_page_is_explained_in_its_order() -> None:
    found = wrapped(fusion="none").search(body={**MATCH, "from": 1, "size": 2}, explain_hits=True)
    hits = found.resift.hits
    assert [hit["_id"] for hit in found["hits"]["hits"]] == [hit.doc_id for hit in hits] == ["d7", "d6"]
    assert [(hit.rank, hit.first_stage_rank, hit.first_stage_score, hit.logit) for hit in hits] == [
        (2, 8, 3.0, 7.0),
        (3, 7, 4.0, 6.0),
    ]
    assert hits[0].passage is not None and hits[0].passage.text == "T7 said 7"
    assert hits[0].passage.field is not None and hits[0].passage.field.start == 0


def test_the_response_is_otherwise_the_same() -> None:
    plain = wrapped().search(body=MATCH)
    found = wrapped().search(body=MATCH, explain_hits=True)
    assert dict(found) == dict(plain)
    assert (plain.resift.hits, plain.resift.explanation) == ((), None)
    assert (found.resift.status, len(found.resift.hits)) == ("reranked", 10)


def test_the_outcome_has_the_fusion_of_the_query_with_its_scale() -> None:
    explanation = wrapped(fusion_weight=0.75).search(body=MATCH, explain_hits=True).resift.explanation
    shown = fusion_json(explanation.fusion, explanation.scale)
    assert shown["weight"] == 0.75 and shown["scale"]["logit"]["mean"] == 3.6
    assert explanation.query == "number"


def test_hits_that_were_not_scored_say_why() -> None:
    hits = wrapped(rank_window_size=10).search(body=MATCH, explain_hits=True).resift.hits
    assert [(hit.doc_id, hit.unscored) for hit in hits if hit.unscored] == []
    own = RerankingClient(Client(), Reranker(Last(), RerankSettings(rank_window_size=3)), ["text"])
    hits = own.search(body=MATCH, explain_hits=True).resift.hits
    assert [hit.unscored for hit in hits] == [None] * 3 + ["below the window"] * 7
    texts = RerankingClient(Client(), Reranker(Last()), ["text"]).search(body=MATCH, explain_hits=True).resift.hits
    assert (texts[-1].doc_id, texts[-1].unscored, texts[-1].passage) == ("d9", "no text", None)


def test_an_order_without_scores_has_ranks_alone() -> None:
    hits = wrapped(Client(scored=False)).search(body=MATCH, explain_hits=True).resift.hits
    assert {hit.first_stage_score for hit in hits} == {None} and hits[0].fused_from is not None


def test_each_search_of_an_msearch_is_explained() -> None:
    found = wrapped(fusion="none").msearch(body=[{}, {**MATCH, "size": 1}, {}, {**MATCH, "size": 2}], explain_hits=True)
    assert [[hit.doc_id for hit in outcome.hits] for outcome in found.resift] == [["d8"], ["d8", "d7"]]


def test_a_search_that_is_passed_through_has_no_explanation() -> None:
    found = wrapped().search(body={**MATCH, "sort": ["n"]}, explain_hits=True)
    assert (found.resift.status, found.resift.hits) == ("passed", ())


def test_an_asynchronous_search_is_explained_too() -> None:
    client = AsyncRerankingClient(AsyncClient(), Reranker(Last(), RerankSettings(fusion="none")), ["title", "text"])
    found = asyncio.run(client.search(body=MATCH, explain_hits=True))
    assert [hit.doc_id for hit in found.resift.hits][:2] == ["d8", "d7"]


def test_the_words_of_an_explained_hit_are_found_with_the_scorer() -> None:
    outcome = wrapped(fusion="none").search(body=MATCH, explain_hits=True).resift
    found = explain_words(Last(), outcome.query_text, outcome.hits[0].passage)
    assert [(one.word, one.effect) for one in found.passage] == [("8", 8.0), ("T8", 0.0), ("said", 0.0)]


def test_an_option_that_is_not_true_or_false_is_refused() -> None:
    with pytest.raises(SettingsError, match="'yes' is not True or False"):
        wrapped().search(body=MATCH, explain_hits="yes")
