"""`explain` and `explain_words` of a request: explanations beside the results, and replies as before without them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from resift.rerank.explained_passage import ExplainedPassage
from resift.rerank.occlusion import WordEffects, explain_words
from resift.rerank.scorers.load import load_scorer
from resift.rerank.service.batching.job import Job, Partial, Work
from resift.rerank.service.call import RequestOptions, RerankCall
from resift.rerank.service.dialects.forms import ReplyFacts
from resift.rerank.service.dialects.registry import choose_dialect
from resift.rerank.service.explaining import words_of
from resift.rerank.service.request_error import RequestError
from resift.rerank.service.reranking import Caller, RerankService
from tests.rerank.service.in_process import TINY, blocked, run

QUERY = "what do cats eat"
DOCUMENTS: list[Any] = [
    "Dogs bark at night.",
    {"title": "Cats", "text": "They live on meat and fish."},
    "It rained. " * 200,
]
PASSAGE = ExplainedPassage("Cats eat fish.", 0, 14, 14)


async def replied(one: RerankService, path: str = "/v1/rerank", **members: Any) -> dict[str, Any]:
    """Return the reply to a request, as JSON."""
    body = {"query": QUERY, "documents": DOCUMENTS, **members}
    dialect = choose_dialect(path, body)
    form, call = dialect.read(body)
    assert isinstance(call, RerankCall)
    answer = await one.call(call, Caller())
    reply: dict[str, Any] = msgspec.to_builtins(dialect.write(form, answer, ReplyFacts("r", 0, answer.treatment)))
    return reply


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_each_result_is_explained_in_a_member_beside_the_results(path: str) -> None:
    async def work(one: RerankService) -> None:
        plain = await replied(one, path, first_stage_scores=[3.0, 2.0, 1.0])
        reply = await replied(one, path, first_stage_scores=[3.0, 2.0, 1.0], explain=True)
        assert reply["results"] == plain["results"]
        assert "explanations" not in plain and "fusion" not in plain["resift"]
        found = reply["explanations"]
        assert [hit["doc_id"] for hit in found] == [str(result["index"]) for result in reply["results"]]
        assert [hit["rank"] for hit in found] == [1, 2, 3]
        assert {hit["doc_id"]: hit["first_stage_rank"] for hit in found} == {"0": 1, "1": 2, "2": 3}
        cats = next(hit for hit in found if hit["doc_id"] == "1")
        assert cats["passage"]["text"] == "Cats They live on meat and fish." and cats["first_stage_score"] == 2.0
        assert cats["passage"]["field"] == {"name": "text", "start": 0, "end": 27}
        fusion, parts = reply["resift"]["fusion"], cats["fused_from"]
        assert (fusion["kind"], fusion["source"]) == ("zscore-read", "model")
        mean, deviation = (fusion["scale"]["logit"][name] for name in ("mean", "deviation"))
        assert parts["logit_z"] == pytest.approx((cats["logit"] - mean) / deviation)
        by_hand = parts["weight"] * parts["logit_z"] + (1 - parts["weight"]) * parts["first_stage_z"]
        assert cats["fused"] == pytest.approx(by_hand, abs=1e-6)
        rain = next(hit for hit in found if hit["doc_id"] == "2")
        assert rain["passage"]["end"] < rain["passage"]["length"] and rain["fused_from"]["read"] < 1

    run(work)


def test_without_first_stage_scores_there_are_ranks_and_no_scores_of_the_first_stage() -> None:
    async def work(one: RerankService) -> None:
        reply = await replied(one, explain=True, top_n=2)
        assert len(reply["explanations"]) == len(reply["results"]) == 2
        best = reply["explanations"][0]
        assert (best["first_stage_score"], best["fused"], best["fused_from"]) == (None, None, None)
        assert best["score"] == best["probability"] == pytest.approx(reply["results"][0]["relevance_score"], abs=1e-6)
        assert reply["resift"]["fusion"]["kind"] == "none"

    run(work)


def test_the_words_of_one_document_are_those_that_the_library_finds() -> None:
    async def work(one: RerankService) -> None:
        reply = await replied(one, explain_words=1)
        [with_words] = [hit for hit in reply["explanations"] if "words" in hit]
        assert with_words["doc_id"] == "1" and with_words["words"]["missing"] is None
        expected = explain_words(load_scorer(settings=TINY), QUERY, with_words["passage"]["text"]).as_json()
        for side in ("passage", "query"):
            effects = {one["start"]: one["effect"] for one in with_words["words"][side]}
            assert effects == pytest.approx({one["start"]: one["effect"] for one in expected[side]}, abs=1e-4)
        assert "cats" in [word["word"] for word in with_words["words"]["query"][:2]]

    run(work, cache=1 << 20)


def test_a_document_without_text_says_why_it_has_no_words() -> None:
    async def work(one: RerankService) -> None:
        reply = await replied(one, documents=["Cats eat fish.", "  "], explain_words=1)
        last = reply["explanations"][-1]
        assert (last["unscored"], last["passage"], last["logit"]) == ("no text", None, None)
        assert last["words"] == {"passage": [], "query": [], "missing": "the model did not score it (no text)"}

    run(work)


def test_without_a_model_in_time_the_order_is_explained_by_the_first_stage_alone() -> None:
    async def work(one: RerankService) -> None:
        reply = await replied(one, timeout_ms=1, first_stage_scores=[1.0, 3.0, 2.0], explain_words=0)
        assert [(hit["doc_id"], hit["score"], hit["logit"], hit["unscored"]) for hit in reply["explanations"]] == [
            ("1", 3.0, None, None),
            ("2", 2.0, None, None),
            ("0", 1.0, None, None),
        ]
        assert reply["explanations"][2]["words"]["missing"] and reply["resift"]["fusion"] is None

    run(work)


def test_documents_that_were_not_reached_in_time_say_so() -> None:
    async def work(one: RerankService) -> None:
        async with blocked(one):
            reply = await replied(one, timeout_ms=20, explain=True)
        assert [hit["unscored"] for hit in reply["explanations"]] == ["not in time"] * 3
        assert (reply["resift"]["scored"], reply["resift"]["partial"]) == (0, True)

    run(work)


@pytest.mark.parametrize(("status", "reason"), [(429, "the queue is full"), (503, "the model cannot be run")])
def test_words_that_cannot_be_scored_say_why(status: int, reason: str) -> None:
    async def refuse(work: Work) -> tuple[Job, Partial]:
        raise RequestError(status, "Backend", "no")

    async def work(one: RerankService) -> None:
        model = await one.models.acquire(one.models.default)
        assert (await words_of(QUERY, PASSAGE, model, refuse)).missing == reason

    run(work)


def test_without_time_for_all_variants_there_are_no_words() -> None:
    async def work(one: RerankService) -> None:
        model = await one.models.acquire(one.models.default)
        asked: list[int] = []

        async def first_alone(work: Work) -> tuple[Job, Partial]:
            asked.append(len(work.pairs))
            job, part = await one.run(model, work, RequestOptions(), Caller())
            return job, part if len(asked) < 2 else Partial(part.reached[:-1], part.scores)

        assert await words_of(QUERY, PASSAGE, model, first_alone) == WordEffects(missing="there was not enough time")
        assert asked == [1, 7]  # the pair, then each of four and of three words left out

    run(work)


def test_a_caller_who_hangs_up_ends_the_work_on_the_words() -> None:
    async def gone(work: Work) -> tuple[Job, Partial]:
        raise RequestError(499, "Cancelled", "the caller hung up")

    async def work(one: RerankService) -> None:
        model = await one.models.acquire(one.models.default)
        with pytest.raises(RequestError, match="hung up"):
            await words_of(QUERY, PASSAGE, model, gone)

    run(work)


@pytest.mark.parametrize(
    ("members", "part"),
    [
        ({"explain_words": 3}, "explain_words is 3; expected an index in documents, below 3"),
        ({"explain_words": -1}, "Expected `int` >= 0"),
        ({"explain_words": "1"}, "Expected `int | null`, got `str`"),
        ({"explain": "yes"}, "Expected `bool | null`, got `str`"),
        ({"documents": None, "texts": ["a"], "explain": True}, "a reply to texts has no place for explanations"),
        ({"documents": None, "texts": ["a"], "explain_words": 0}, "send the texts as documents"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_refused(members: dict[str, Any], part: str) -> None:
    body = {"query": QUERY, "documents": DOCUMENTS, **members}
    with pytest.raises(RequestError) as error:
        choose_dialect("/rerank", body).read(body)
    assert error.value.status == 422 and part in str(error.value)


def test_wishes_that_are_null_or_false_are_not_there() -> None:
    for members in ({"explain": False, "explain_words": None}, {"explain": None}, {}):
        body = {"query": QUERY, "documents": DOCUMENTS, **members}
        call = choose_dialect("/v1/rerank", body).read(body)[1]
        assert isinstance(call, RerankCall) and (call.explain, call.explain_words) == (False, None)
