"""The command line, the wrapper, the proxy and the service explain a hit by the same JSON."""

from __future__ import annotations

import asyncio
import json
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from resift.rerank.occlusion import explain_words
from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.call import RerankCall
from resift.rerank.service.dialects.forms import ReplyFacts
from resift.rerank.service.dialects.registry import choose_dialect
from resift.rerank.service.reranking import Caller
from tests.engine.proxying import PATIENT, RunningProxy, advice_index, ask, running_proxy
from tests.rerank.cli.invoke import invoke
from tests.rerank.service.in_process import service

pytestmark = pytest.mark.engine

WORDS = "how do I clean the oven in the workshop"
BODY: dict[str, Any] = {"query": {"multi_match": {"query": WORDS, "fields": ["title", "text"], "type": "most_fields"}}}
MEMBERS = (
    *("rank", "doc_id", "score", "fused", "logit", "unscored", "first_stage_rank", "first_stage_score"),
    *("probability", "fused_from", "passage"),
)


@pytest.fixture(scope="module")
def articles(engine: str) -> Iterator[str]:
    with advice_index(engine, f"advice-{uuid.uuid4().hex[:8]}") as name:
        yield name


@pytest.fixture(scope="module")
def proxy(engine: str) -> Iterator[RunningProxy]:
    with running_proxy(engine, "--index", "advice-*", "--field", "title", "--field", "text", *PATIENT) as running:
        yield running


def close(value: Any) -> Any:
    """Return JSON in which numbers are equal if they differ by rounding alone."""
    if isinstance(value, dict):
        return {name: close(member) for name, member in value.items()}
    if isinstance(value, list):
        return [close(member) for member in value]
    return pytest.approx(value, abs=2e-4) if isinstance(value, float) else value


def words_by_place(hit: dict[str, Any]) -> dict[str, Any]:
    """Return the words of a hit in the order of the text: those of about equal effects may be in any order."""
    return {side: sorted(hit["words"][side], key=lambda one: one["start"]) for side in ("passage", "query")}


def test_all_four_give_the_same_json_for_the_same_query_and_document(
    engine: str, articles: str, proxy: RunningProxy, native: Any, tmp_path: Path
) -> None:
    printed = from_command_line(f"{engine}/{articles}", tmp_path)
    expected = [{name: hit[name] for name in MEMBERS} for hit in printed["hits"]]
    words, best = words_by_place(printed["hits"][0]), expected[0]
    assert len(expected) == 5 and best["passage"]["field"]["name"] == "text" and best["fused_from"]

    answer = ask(proxy.url, "POST", f"/{articles}/_search", {**BODY, "size": 5}, {"X-Resift-Details": "words=1"}).json()
    proxied = [hit["_resift"] for hit in answer["hits"]["hits"]]
    assert words_by_place(proxied[0]) == close(words)
    proxied[0].pop("words")
    assert proxied == close(expected)
    assert answer["_resift"]["fusion"] == close(printed["fusion"])

    model = load_scorer("resift-tiny", ScorerSettings(threads=1))
    outcome = found(RerankingClient(native, Reranker(model), ["title", "text"]), articles, 5, explain_hits=True).resift
    assert [hit.explained_json() for hit in outcome.hits] == close(expected)
    assert outcome.explanation.fusion_json() == close(printed["fusion"])
    assert words_by_place({"words": explain_words(model, WORDS, outcome.hits[0].passage).as_json()}) == close(words)

    hits = found(native, articles, 100)["hits"]["hits"]
    ids = [hit["_id"] for hit in hits]
    reply = asyncio.run(from_service(hits, ids.index(best["doc_id"])))
    served = [{**hit, "doc_id": ids[int(hit["doc_id"])]} for hit in reply["explanations"]]
    assert words_by_place(served[0]) == close(words)
    served[0].pop("words")
    assert served == close(expected)
    assert reply["resift"]["fusion"] == close(printed["fusion"])


def from_command_line(target: str, folder: Path) -> dict[str, Any]:
    """Return what `resift search` prints."""
    query = folder / "body.json"
    query.write_text(json.dumps(BODY).replace(WORDS, "{{query}}"))
    own = ("--query-file", str(query), "--source-title", "title", "--source-text", "text")
    options = ("--model", "resift-tiny", "--threads", "1", "--top", "5", "--json", "--explain-words", "1")
    done = invoke("search", target, WORDS, *own, *options)
    assert done.code == 0, done.err
    printed: dict[str, Any] = json.loads(done.out)
    return printed


def found(client: Any, index: str, size: int, **options: Any) -> Any:
    """Return what a client or a wrapper of one finds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return client.search(index=index, body={**BODY, "size": size}, **options)


async def from_service(hits: list[dict[str, Any]], place: int) -> dict[str, Any]:
    """Return the reply of the service to the hits of the engine, with the words of the one at `place`."""
    body = {
        "query": WORDS,
        "documents": [{"title": hit["_source"]["title"], "text": hit["_source"]["text"]} for hit in hits],
        "first_stage_scores": [hit["_score"] for hit in hits],
        "explain_words": place,
        "top_n": 5,
    }
    dialect = choose_dialect("/v1/rerank", body)
    form, call = dialect.read(body)
    assert isinstance(call, RerankCall)
    async with service() as one:
        answer = await one.call(call, Caller())
    reply: dict[str, Any] = msgspec.to_builtins(dialect.write(form, answer, ReplyFacts("r", 0, answer.treatment)))
    return reply
