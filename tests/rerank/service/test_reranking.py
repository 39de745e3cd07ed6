"""The service without HTTP: orders and scores are those of a search, and time limits, models and equal requests hold."""

from __future__ import annotations

import asyncio

import pytest

from resift.rerank.candidates import Candidate, from_reranking, to_ranking
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.service.call import RequestOptions, RerankAnswer, RerankCall, ScoreCall
from resift.rerank.service.request_error import RequestError
from resift.rerank.service.reranking import Caller, RerankService
from resift.rerank.service.settings import ServeSettings
from resift.rerank.settings import RerankSettings
from resift.retrieval.types import Document, Query
from tests.rerank.service.in_process import DOCUMENTS, LONG, TEXTS, TINY, blocked, run

MANY = [Document("", f"{number} {text}") for number in range(50) for text in TEXTS]


def indices(answer: RerankAnswer) -> list[int]:
    return [result.index for result in answer.results]


def of_search(query: str, first_stage: list[float] | None = None, rerank: RerankSettings | None = None) -> list[int]:
    """Return the order in which a search would put `DOCUMENTS`."""
    scores: list[float | None] = [*first_stage] if first_stage else [None] * len(DOCUMENTS)
    candidates = [Candidate(document, score) for document, score in zip(DOCUMENTS, scores, strict=True)]
    settings = rerank or RerankSettings(fusion="none" if first_stage is None else "auto")
    [result] = Reranker(load_scorer(settings=TINY), settings).rerank([to_ranking(Query("1", query), candidates)])
    return [one.position for one in from_reranking(result)]


def test_the_order_is_that_of_a_search_by_the_model_alone() -> None:
    async def work(one: RerankService) -> None:
        answer = await one.call(RerankCall("what do cats eat", DOCUMENTS), Caller())
        assert indices(answer) == of_search("what do cats eat")
        assert answer.treatment.scored == answer.treatment.documents == 20
        assert answer.treatment.model == "resift-tiny" and not answer.treatment.partial

    run(work)


def test_with_first_stage_scores_the_order_is_that_of_a_search_with_fusion() -> None:
    first_stage = [float(20 - place) for place in range(20)]

    async def work(one: RerankService) -> None:
        answer = await one.call(RerankCall("what do cats eat", DOCUMENTS, first_stage=first_stage), Caller())
        assert indices(answer) == of_search("what do cats eat", first_stage) != of_search("what do cats eat")
        shown = [result.score for result in answer.results]
        assert shown == sorted(shown, reverse=True)

    run(work)


def test_pairs_by_themselves_give_the_same_order() -> None:
    async def work(one: RerankService) -> None:
        answer = await one.call(RerankCall("what do cats eat", DOCUMENTS), Caller())
        assert indices(answer) == of_search("what do cats eat")

    run(work, ServeSettings(deterministic=True))


def test_top_n_limits_the_results_and_documents_without_text_are_last() -> None:
    async def work(one: RerankService) -> None:
        answer = await one.call(RerankCall("cat", [Document("", ""), *DOCUMENTS, Document("", " ")]), Caller())
        assert indices(answer)[-2:] == [0, 21] and answer.results[-1].score > 0
        answer = await one.call(RerankCall("cat", DOCUMENTS, top_n=3), Caller())
        assert indices(answer) == of_search("cat")[:3]

    run(work)


def test_a_long_document_is_read_by_as_many_passages_as_the_request_asks_for() -> None:
    async def work(one: RerankService) -> None:
        documents = [LONG, *DOCUMENTS[4:8]]
        short = await one.call(RerankCall("what do cats eat", documents, RequestOptions(passages=1)), Caller())
        long = await one.call(RerankCall("what do cats eat", documents, RequestOptions(passages=16)), Caller())
        assert short.treatment.truncated == 1 and long.treatment.truncated == 0
        by_index = [{result.index: result.score for result in answer.results} for answer in (short, long)]
        assert by_index[1][0] > 10 * by_index[0][0]
        assert by_index[1][1] == by_index[0][1]

    run(work)


def test_no_more_tokens_of_a_document_are_read_than_the_request_allows() -> None:
    async def work(one: RerankService) -> None:
        long, cut = f"{TEXTS[0]} {'and then it rains ' * 10}", Document("", TEXTS[0])
        answer = await one.call(
            RerankCall("cat", [Document("", long)], RequestOptions(document_tokens=4), raw=True), Caller()
        )
        same = await one.call(RerankCall("cat", [cut], RequestOptions(document_tokens=4), raw=True), Caller())
        assert answer.results == same.results and answer.treatment.truncated == same.treatment.truncated == 1
        assert answer.treatment.effort.tokens == 1 + 4 + 3

    run(work)


def test_pairs_are_scored_as_the_model_scores_them_in_this_process() -> None:
    pairs = [("what do cats eat", text) for text in (*TEXTS, "")] + [("music", TEXTS[0])]

    async def work(one: RerankService) -> None:
        answer = await one.score(ScoreCall(pairs, raw=True), Caller())
        expected = load_scorer(settings=TINY).score(pairs)
        assert answer.scores.logits.tolist() == expected.logits.tolist()
        assert answer.scores.read_characters is not None and expected.read_characters is not None
        assert answer.scores.read_characters.tolist() == expected.read_characters.tolist()

    run(work)


def test_equal_requests_of_a_caller_at_the_same_time_are_scored_once() -> None:
    async def work(one: RerankService) -> None:
        call = RerankCall("what do cats eat", DOCUMENTS)
        released = asyncio.Event()
        blocker = one.batcher.run(lambda: asyncio.run_coroutine_threadsafe(released.wait(), loop).result())
        loop = asyncio.get_running_loop()
        await one.models.acquire("resift-tiny")
        tasks = [asyncio.create_task(one.call(call, Caller("a"))) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert one.batcher.waiting()[0] == 1
        released.set()
        answers = await asyncio.gather(*tasks)
        assert len({tuple(indices(answer)) for answer in answers}) == 1
        await asyncio.wrap_future(blocker)

    async def with_model(one: RerankService) -> None:
        one.models.release(await one.models.acquire("resift-tiny"))
        await work(one)

    run(with_model)


def test_when_the_time_is_up_the_documents_keep_the_order_of_the_first_stage() -> None:
    async def work(one: RerankService) -> None:
        async with blocked(one):
            answer = await one.call(RerankCall("cat", DOCUMENTS, RequestOptions(timeout_ms=30)), Caller())
        assert indices(answer) == list(range(20))
        assert (answer.treatment.scored, answer.treatment.partial) == (0, True)
        shown = [result.score for result in answer.results]
        assert shown == sorted(shown, reverse=True) and len(set(shown)) == 20
        assert one.batcher.waiting()[0] == 0

    run(work)


def test_the_limit_of_the_service_holds_for_requests_without_one() -> None:
    async def work(one: RerankService) -> None:
        async with blocked(one):
            answer = await one.call(RerankCall("cat", DOCUMENTS), Caller())
        assert answer.treatment.scored == 0

    run(work, ServeSettings(request_timeout_ms=30))


def test_pairs_that_are_not_scored_in_time_are_an_error() -> None:
    async def work(one: RerankService) -> None:
        async with blocked(one):
            with pytest.raises(RequestError) as error:
                await one.score(ScoreCall([("a", "b")], RequestOptions(timeout_ms=30)), Caller())
        assert (error.value.status, error.value.kind) == (504, "Timeout")

    run(work)


def test_a_caller_who_hangs_up_takes_its_pairs_out_of_the_queue() -> None:
    async def work(one: RerankService) -> None:
        async def left() -> None:
            await asyncio.sleep(0.03)

        async with blocked(one):
            with pytest.raises(RequestError) as error:
                await one.call(RerankCall("cat", DOCUMENTS), Caller("a", left))
            assert error.value.status == 499
            assert one.batcher.waiting()[0] == 0

    run(work)


def test_a_full_queue_is_status_429_with_the_seconds_to_wait() -> None:
    async def work(one: RerankService) -> None:
        async with blocked(one):
            waiting = asyncio.create_task(one.call(RerankCall("cat", MANY), Caller("a")))
            await asyncio.sleep(0.05)
            with pytest.raises(RequestError) as error:
                await one.call(RerankCall("dog", MANY), Caller("a"))
            assert error.value.status == 429 and int(error.value.headers["Retry-After"]) >= 1
        assert len((await waiting).results) == 1000

    run(work, ServeSettings(max_queue_seconds=0.5))


def test_an_unknown_model_is_the_default_unless_models_are_strict() -> None:
    async def lenient(one: RerankService) -> None:
        answer = await one.call(RerankCall("cat", DOCUMENTS, RequestOptions(model="rerank-v3.5")), Caller())
        assert answer.treatment.model == "resift-tiny"

    async def strict(one: RerankService) -> None:
        with pytest.raises(RequestError, match="no model has the name '../../etc/passwd'") as error:
            await one.call(RerankCall("cat", DOCUMENTS, RequestOptions(model="../../etc/passwd")), Caller())
        assert error.value.status == 404

    run(lenient)
    run(strict, ServeSettings(strict_models=True))


def test_further_models_are_loaded_when_they_are_asked_for_and_the_least_recently_used_is_unloaded() -> None:
    async def work(one: RerankService) -> None:
        for name in ("resift-tiny", "second", "third", "second"):
            answer = await one.call(RerankCall("cat", DOCUMENTS, RequestOptions(model=name)), Caller())
            assert answer.treatment.model == name
        assert sorted(model.name for model in one.models.loaded) == ["resift-tiny", "second"]

    two = "second=resift-tiny\nthird=resift-tiny?max_length=64"
    run(work, ServeSettings(serve_model=two, model_memory_mb=12))


def test_a_model_that_cannot_be_loaded_fails_its_requests_and_no_others() -> None:
    async def work(one: RerankService) -> None:
        with pytest.raises(RequestError, match="the model cannot be loaded") as error:
            await one.call(RerankCall("cat", DOCUMENTS, RequestOptions(model="broken")), Caller())
        assert error.value.status == 503
        assert (await one.call(RerankCall("cat", DOCUMENTS), Caller())).treatment.scored == 20

    run(work, ServeSettings(serve_model="broken=no-such-folder"))


def test_the_last_rung_of_the_ladder_answers_in_the_order_of_the_first_stage() -> None:
    async def work(one: RerankService) -> None:
        assert one.ladder is not None
        one.ladder.rung = 1
        answer = await one.call(RerankCall("cat", DOCUMENTS, top_n=2), Caller())
        assert indices(answer) == [0, 1]
        assert (answer.treatment.model, answer.treatment.degraded) == ("none", "resift-tiny")

    run(work, ServeSettings(ladder="resift-tiny,none"))


def test_a_ladder_that_ends_with_none_answers_in_the_given_order_what_would_be_refused() -> None:
    async def work(one: RerankService) -> None:
        one.models.release(await one.models.acquire("resift-small"))
        async with blocked(one):
            waiting = asyncio.create_task(one.call(RerankCall("cat", MANY), Caller("a")))
            await asyncio.sleep(0.3)
            answer = await one.call(RerankCall("dog", MANY), Caller("a"))
            assert indices(answer) == list(range(1000)) and answer.treatment.degraded == "resift-tiny"
        assert (await waiting).treatment.scored == 1000

    run(work, ServeSettings(ladder="resift-tiny,resift-small,none", max_queue_seconds=0.5))


def test_scores_that_are_known_need_no_model() -> None:
    async def work(one: RerankService) -> None:
        first = await one.call(RerankCall("cat", DOCUMENTS), Caller())
        again = await one.call(RerankCall("cat", list(reversed(DOCUMENTS))), Caller())
        assert again.treatment.effort.cached == 20 and again.treatment.effort.tokens == 0
        assert [19 - index for index in indices(again)] == indices(first)

    run(work, cache=1 << 20)


def test_first_stage_scores_of_another_number_are_refused() -> None:
    async def work(one: RerankService) -> None:
        with pytest.raises(RequestError, match="2 first_stage_scores for 20 documents"):
            await one.call(RerankCall("cat", DOCUMENTS, first_stage=[1.0, 2.0]), Caller())

    run(work)
