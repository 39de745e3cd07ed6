"""The batcher at its limits: too little memory, models that fail, full queues, and scores that are known already."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from resift.rerank.scorer import Scores
from resift.rerank.service.batching.admission import OverloadedError
from resift.rerank.service.batching.batch_models import BatchModel, Prepared
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.batching.job import Work
from resift.rerank.template import RenderedText
from resift.retrieval.errors import ModelError
from tests.rerank.service.batching.lengths_model import (
    LengthsModel,
    batcher,
    blocked,
    document,
    finished,
    job,
    lane,
    logits,
    work,
)


def test_a_batch_that_does_not_fit_into_memory_is_halved_until_it_does(running: Batcher) -> None:
    model = LengthsModel(budget=1000, memory=40)
    one = job(lane(model), work([document(number, 10) for number in range(20)]))
    running.submit(one)
    assert logits(one) == [float(number) for number in range(20)]
    assert max(map(len, model.batches)) <= 4


def test_a_pair_that_does_not_fit_into_memory_alone_fails_its_own_request_only(running: Batcher) -> None:
    model = LengthsModel(budget=1000, memory=40)
    shared = lane(model)
    huge, small = job(shared, work([document(1, 100)])), job(shared, work([document(2, 10)]))
    running.submit(huge)
    running.submit(small)
    with pytest.raises(ModelError, match="not enough memory for one pair of 100 tokens"):
        huge.future.result(30)
    assert logits(small) == [2.0]


def test_the_budget_grows_again_after_many_batches_that_fit(running: Batcher) -> None:
    model = LengthsModel(budget=100, memory=50)
    shared = lane(model)
    first = job(shared, work([document(number, 10) for number in range(10)]))
    running.submit(first)
    first.future.result(30)
    assert model.budget == 50
    model.memory = 10**9
    for number in range(300):
        one = job(shared, work([document(number, 1)]))
        running.submit(one)
        one.future.result(30)
    assert model.budget == 100


def test_a_pair_on_which_the_model_fails_does_not_fail_the_other_requests_of_its_batch(running: Batcher) -> None:
    model = LengthsModel(poison=13.0)
    blocked(running, model)
    shared = lane(model)
    bad, good = job(shared, work([document(13, 5)])), job(shared, work([document(2, 5)]))
    running.submit(bad)
    running.submit(good)
    model.gate.set()
    assert logits(good) == [2.0]
    with pytest.raises(ModelError, match="ValueError: the model failed"):
        bad.future.result(30)


def test_a_score_that_is_not_a_number_fails_its_request_and_no_other(running: Batcher) -> None:
    model = LengthsModel()
    blocked(running, model)
    shared = lane(model)
    bad, good = job(shared, work(["nan word"])), job(shared, work(["2 word"]))
    running.submit(bad)
    running.submit(good)
    model.gate.set()
    assert logits(good) == [2.0]
    with pytest.raises(ModelError, match="NaN or infinite"):
        bad.future.result(30)


class DyingModel(LengthsModel):
    """A model on a device that dies at its second batch; `spare` is its copy on the CPU."""

    def __init__(self, spare: LengthsModel) -> None:
        super().__init__(budget=10)
        self.spare = spare

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        if self.batches:
            raise ModelError("CUDA error: device-side assert triggered")
        return super().run(rows)

    @property
    def elsewhere(self) -> bool:
        return True

    def on_cpu(self) -> BatchModel:
        return self.spare


def test_a_model_whose_device_dies_goes_on_with_the_cpu_and_no_request_fails(running: Batcher) -> None:
    spare = LengthsModel()
    shared = lane(DyingModel(spare))
    one = job(shared, work([document(number, 10) for number in range(5)]))
    running.submit(one)
    assert logits(one) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert shared.model is spare and sum(map(len, spare.batches)) == 4


def test_a_full_queue_refuses_a_request_at_once_and_says_when_to_come_back() -> None:
    running = batcher(seconds=10.0)
    model = LengthsModel(budget=10)
    blocked(running, model)
    shared = lane(model)  # 100 tokens a second
    running.submit(job(shared, work(["1"], tokens=600)))
    with pytest.raises(OverloadedError, match="send it again in 7 s") as error:
        running.submit(job(shared, work(["2"], tokens=1000)))
    assert error.value.retry_after == 7
    model.gate.set()
    running.close()


def test_a_request_larger_than_the_bound_is_admitted_to_an_empty_queue() -> None:
    running = batcher(seconds=1.0)
    one = job(lane(LengthsModel()), work([document(1, 50)], tokens=100_000))
    running.submit(one)
    assert logits(one) == [1.0]
    running.close()


def test_a_request_that_exceeds_the_bound_by_itself_does_not_shut_the_others_out() -> None:
    running = batcher(seconds=10.0)
    model = LengthsModel(budget=10)
    shared = lane(model)  # 100 tokens a second
    model.gate.clear()
    huge = job(shared, work([document(n, 10) for n in range(500)], tokens=500_000), "a")
    running.submit(huge)
    assert model.entered.wait(30)
    small = job(shared, work(["7"], tokens=100), "b")
    running.submit(small)
    order = finished(huge=huge, small=small)
    model.gate.set()
    assert logits(small) == [7.0] and len(logits(huge)) == 500
    assert order() == ["small", "huge"]
    running.close()


def test_a_more_urgent_request_takes_the_place_of_a_less_urgent_one_that_has_not_begun() -> None:
    running = batcher(seconds=10.0)
    model = LengthsModel(budget=10)
    blocked(running, model)
    shared = lane(model)
    late = job(shared, work(["1"], tokens=600), priority=9)
    urgent = job(shared, work(["2"], tokens=600), priority=0)
    running.submit(late)
    running.submit(urgent)
    model.gate.set()
    assert logits(urgent) == [2.0]
    with pytest.raises(OverloadedError, match="more urgent"):
        late.future.result(30)
    running.close()


def test_known_scores_are_taken_from_the_cache_and_only_the_others_are_scored() -> None:
    running = batcher(cache_bytes=1 << 20)
    model = LengthsModel()
    shared = lane(model)
    first = job(shared, work([document(1, 3), document(2, 3)]))
    running.submit(first)
    assert logits(first) == [1.0, 2.0]
    second = job(shared, work([document(2, 3), document(3, 3)]))
    running.submit(second)
    assert logits(second) == [2.0, 3.0]
    assert second.timings.cached == 1 and sum(map(len, model.batches)) == 3
    third = job(shared, work([document(3, 3), document(1, 3)]))
    running.submit(third)
    assert third.future.done() and logits(third) == [3.0, 1.0]
    running.close()


def test_another_limit_of_tokens_is_another_entry_of_the_cache() -> None:
    running = batcher(cache_bytes=1 << 20)
    shared = lane(LengthsModel())
    pairs = [("q", RenderedText("1 word"))]
    for tokens in (None, 1):
        one = job(shared, Work(pairs, document_tokens=tokens, tokens=2))
        running.submit(one)
        one.future.result(30)
    assert one.timings.cached == 0
    running.close()


def test_a_closed_batcher_fails_what_it_did_not_finish() -> None:
    running = batcher()
    model = LengthsModel(budget=1)
    blocked(running, model)
    one = job(lane(model), work([document(1, 1)]))
    running.submit(one)
    closing = threading.Thread(target=running.close)  # waits for the batch that is in the model
    closing.start()
    with pytest.raises(OverloadedError, match="the server is stopping"):
        one.future.result(30)
    model.gate.set()
    closing.join(30)
    assert not closing.is_alive()


def test_no_pairs_are_finished_at_once(running: Batcher) -> None:
    one = job(lane(LengthsModel()), work([]))
    running.submit(one)
    assert logits(one) == []
