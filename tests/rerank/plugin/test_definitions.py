"""A wrapped client reads and reranks the hits of each index by its definition."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.plugin.wrapper import AsyncRerankingClient, RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError
from tests.rerank.plugin.test_wrapper import MATCH, AsyncClient, Client, ids

DEFINITIONS = IndexDefinitions.from_table(
    {
        "news-*": {"template": "{title:1} by {by.name}: {text}", "fields": ["title^2", "lead"], "window": 3},
        "shop": {"template": "{price} {text}", "fusion": "none"},
    }
)


class Recorder:
    """A scorer that prefers short texts, keeps what it reads, and has tokens of four characters."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def beginning(self, text: str, tokens: int) -> str:
        return text[: 4 * tokens]

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.read += [text for _, text in pairs]
        no = np.zeros(len(pairs), dtype=np.bool_)
        return Scores(np.array([-len(text) for _, text in pairs], dtype=np.float32), no, no)


def three_hits(body: Mapping[str, Any]) -> dict[str, Any]:
    """Respond with three hits, the first of which has the longest texts."""
    sources = [
        {"title": "Number" + "s" * n, "lead": "more " * n, "price": 7 * n, "by": {"name": f"M{n}"}} for n in (3, 2, 1)
    ]
    hits = [{"_id": str(n), "_score": 3.0 - n, "_source": source} for n, source in enumerate(sources)]
    return {"hits": {"max_score": 3.0, "hits": hits[: body.get("size", 10)]}}


def wrapped(client: Any, scorer: Recorder, **options: Any) -> RerankingClient:  # noqa: ANN401
    settings = RerankSettings(fusion="none", rank_window_size=50)
    return RerankingClient(client, Reranker(scorer, settings), ["title"], definitions=DEFINITIONS, **options)


def test_each_index_is_read_by_its_own_definition() -> None:
    scorer, client = Recorder(), Client(three_hits)
    one = wrapped(client, scorer)
    found = one.search(index="news-2024", body=MATCH)
    assert found.resift.status == "reranked" and ids(found) == ["2", "1", "0"]
    assert scorer.read == ["Numb by M3: more more more", "Numb by M2: more more", "Numb by M1: more"]
    assert client.requests[-1]["size"] == 10  # the page is larger than the window of the definition
    scorer.read.clear()
    one.search(index="shop", body=MATCH)
    assert scorer.read == ["21 Numbersss", "14 Numberss", "7 Numbers"]
    scorer.read.clear()
    one.search(index="articles", body=MATCH)
    assert scorer.read == ["Numbersss", "Numberss", "Numbers"] and client.requests[-1]["size"] == 50


@pytest.mark.parametrize("index", [["news-1", "news-2"], "news-1,news-2", ("news-*",)])
def test_several_indices_with_one_definition_are_read_by_it(index: Any) -> None:  # noqa: ANN401
    scorer = Recorder()
    wrapped(Client(three_hits), scorer).search(index=index, body=MATCH)
    assert scorer.read[0] == "Numb by M3: more more more"


@pytest.mark.parametrize("index", [["news-1", "shop"], None, ""])
def test_indices_of_several_definitions_or_without_a_name_are_read_by_the_clients_own_settings(
    index: Any,  # noqa: ANN401
) -> None:
    scorer = Recorder()
    wrapped(Client(three_hits), scorer).search(index=index, body=MATCH)
    assert scorer.read[0] == "Numbersss"


def test_the_searches_of_an_msearch_have_the_definitions_of_their_indices_and_keep_their_order() -> None:
    scorer = Recorder()
    lines = [
        {"index": "shop"},
        MATCH,
        {"index": "other"},
        MATCH,
        {"index": ["news-1"]},
        MATCH,
        {"index": "shop"},
        MATCH,
    ]
    found = wrapped(Client(three_hits), scorer).msearch(body=lines, deadline_ms=60_000)
    assert [outcome.status for outcome in found.resift] == ["reranked"] * 4
    assert [ids(one) for one in found["responses"]] == [["2", "1", "0"]] * 4
    assert scorer.read[:7] == [*["21 Numbersss", "14 Numberss", "7 Numbers"] * 2, "Numbersss"]
    assert scorer.read[9] == "Numb by M3: more more more" and len(scorer.read) == 12


def test_the_options_of_a_call_win_over_the_definition() -> None:
    scorer, client = Recorder(), Client(three_hits)
    one = wrapped(client, scorer, rank_window_size=20)
    one.search(index="news-1", body=MATCH)
    assert client.requests[-1]["size"] == 20
    found = one.search(index="news-1", body=MATCH, fusion="zscore", rank_window_size=30)
    assert client.requests[-1]["size"] == 30
    assert found.resift.fusion.kind == "zscore"


def test_the_asynchronous_client_has_the_definitions_too() -> None:
    scorer = Recorder()
    reranker = Reranker(scorer, RerankSettings(fusion="none"))
    client = AsyncRerankingClient(AsyncClient(three_hits), reranker, ["title"], definitions=DEFINITIONS)
    found = asyncio.run(client.search(index="shop", body=MATCH))
    assert found.resift.status == "reranked" and scorer.read[0] == "21 Numbersss"


def test_something_else_than_definitions_is_refused() -> None:
    with pytest.raises(SettingsError, match="definitions: .*expected IndexDefinitions.from_file"):
        RerankingClient(Client(), Reranker(Recorder()), ["title"], definitions={"a": {}})  # type: ignore[arg-type]
