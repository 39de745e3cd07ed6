"""Pairs of many requests in common batches: budgets, fairness, cancelling, memory, failures, and partial results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError

import pytest

from resift.rerank.scorer import Scores
from resift.rerank.service.batching.admission import OverloadedError
from resift.rerank.service.batching.batch_models import BatchModel, Prepared
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.batching.job import Job, Work
from resift.rerank.template import RenderedText
from resift.retrieval.errors import ModelError
from tests.rerank.service.batching.lengths_model import LengthsModel, batcher, document, job, lane, work


@pytest.fixture
def running() -> Iterator[Batcher]:
    found = batcher()
    yield found
    found.close()


def logits(one: Job) -> list[float]:
    return [float(value) for value in one.future.result(30).scores.logits]


def test_scores_come_back_in_the_order_of_the_pairs(running: Batcher) -> None:
    one = job(
        lane(LengthsModel(budget=8)), work([document(number, words) for number, words in ((1, 2), (2, 5), (3, 3))])
    )
    running.submit(one)
    assert logits(one) == [1.0, 2.0, 3.0]


def test_a_batch_has_at_most_the_budget_of_tokens_with_padding_and_the_longest_pairs_come_first(
    running: Batcher,
) -> None:
    model = LengthsModel(budget=8)
    one = job(
        lane(model), work([document(number, words) for number, words in ((1, 2), (2, 4), (3, 3), (4, 4), (5, 2))])
    )
    running.submit(one)
    assert logits(one) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [[text.split()[0] for text in batch] for batch in model.batches] == [["2", "4"], ["3", "1"], ["5"]]


def test_a_pair_that_exceeds_the_budget_is_a_batch_of_its_own(running: Batcher) -> None:
    model = LengthsModel(budget=3)
    one = job(lane(model), work([document(1, 9), document(2, 9)]))
    running.submit(one)
    assert logits(one) == [1.0, 2.0]
    assert [len(batch) for batch in model.batches] == [1, 1]


def test_equal_pairs_of_a_request_are_scored_once(running: Batcher) -> None:
    model = LengthsModel()
    one = job(lane(model), work([document(1, 3), document(2, 3), document(1, 3)]))
    running.submit(one)
    assert logits(one) == [1.0, 2.0, 1.0]
    assert sum(map(len, model.batches)) == 2


def blocked(running: Batcher, model: LengthsModel) -> Job:
    """Return a job whose first batch is in the model, which waits for its gate."""
    model.gate.clear()
    first = job(lane(model), work([document(0, 1)]), "blocker")
    running.submit(first)
    assert model.entered.wait(30)
    return first


def test_requests_that_wait_together_share_a_batch(running: Batcher) -> None:
    model = LengthsModel(budget=100)
    blocked(running, model)
    shared = lane(model)
    both = [job(shared, work([document(number, 5)], query=f"q{number}")) for number in (1, 2)]
    for one in both:
        running.submit(one)
    model.gate.set()
    assert [logits(one) for one in both] == [[1.0], [2.0]]
    assert [sorted(text.split()[0] for text in batch) for batch in model.batches] == [["0"], ["1", "2"]]


def test_a_short_pair_is_not_padded_to_a_long_one_of_another_request(running: Batcher) -> None:
    model = LengthsModel(budget=1000)
    blocked(running, model)
    shared = lane(model)
    both = [job(shared, work([document(1, 50)])), job(shared, work([document(2, 3)]))]
    for one in both:
        running.submit(one)
    model.gate.set()
    assert [logits(one) for one in both] == [[1.0], [2.0]]
    assert len(model.batches) == 3


def test_a_request_of_ten_documents_overtakes_one_of_a_thousand_by_the_same_caller(running: Batcher) -> None:
    model = LengthsModel(budget=50)
    blocked(running, model)
    shared = lane(model)
    large = job(shared, work([document(number, 5) for number in range(1000)]), "a")
    small = job(shared, work([document(number, 5) for number in range(2000, 2010)]), "a")
    running.submit(large)
    running.submit(small)
    finished: list[str] = []
    large.future.add_done_callback(lambda _: finished.append("large"))
    small.future.add_done_callback(lambda _: finished.append("small"))
    model.gate.set()
    assert len(logits(large)) == 1000 and len(logits(small)) == 10
    assert finished == ["small", "large"]
    assert all(float(text.split()[0]) >= 2000 for text in model.batches[1])


def test_two_callers_get_equal_shares_however_many_requests_each_sends(running: Batcher) -> None:
    model = LengthsModel(budget=10)
    blocked(running, model)
    shared = lane(model)
    many = [job(shared, work([document(number, 10)], query=f"q{number}"), "greedy") for number in range(20)]
    few = [job(shared, work([document(number, 10)], query=f"q{number}"), "modest") for number in range(100, 105)]
    for one in [*many, *few]:
        running.submit(one)
    model.gate.set()
    for one in [*many, *few]:
        one.future.result(30)
    order = [float(text.split()[0]) >= 100 for batch in model.batches[1:] for text in batch]
    assert sum(order[:10]) == 5  # of the first ten, every second is the modest caller's


def test_the_most_urgent_request_is_scored_first(running: Batcher) -> None:
    model = LengthsModel(budget=10)
    blocked(running, model)
    shared = lane(model)
    jobs = [job(shared, work([document(n, 10)], query=f"q{n}"), priority=n) for n in (5, 1, 3)]
    for one in jobs:
        running.submit(one)
    model.gate.set()
    for one in jobs:
        one.future.result(30)
    assert [batch[0].split()[0] for batch in model.batches[1:]] == ["1", "3", "5"]


def test_the_pairs_of_a_request_that_nobody_waits_for_leave_the_queue(running: Batcher) -> None:
    model = LengthsModel(budget=10)
    blocked(running, model)
    shared = lane(model)
    left, kept = job(shared, work([document(1, 10)] * 1)), job(shared, work([document(2, 10)]))
    running.submit(left)
    running.submit(kept)
    running.leave(left)
    model.gate.set()
    assert logits(kept) == [2.0]
    with pytest.raises(CancelledError):
        left.future.result(30)
    assert ["1"] not in [[text.split()[0] for text in batch] for batch in model.batches]
    assert running.waiting()[0] == 0


def test_a_request_that_two_wait_for_stays_when_one_of_them_leaves(running: Batcher) -> None:
    model = LengthsModel()
    blocked(running, model)
    one = job(lane(model), work([document(1, 10)]))
    running.submit(one)
    assert running.join(one, 0)
    running.leave(one)
    model.gate.set()
    assert logits(one) == [1.0]
    assert not running.join(one, 0)


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

    def on_cpu(self) -> BatchModel:
        return self.spare


def test_a_model_whose_device_dies_goes_on_with_the_cpu_and_no_request_fails(running: Batcher) -> None:
    spare = LengthsModel()
    shared = lane(DyingModel(spare))
    one = job(shared, work([document(number, 10) for number in range(5)]))
    running.submit(one)
    assert logits(one) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert shared.model is spare and sum(map(len, spare.batches)) == 4


def test_a_request_in_order_is_scored_from_its_first_documents_on(running: Batcher) -> None:
    model = LengthsModel(budget=32 * 64)
    one = job(lane(model), work([document(n, 1 + n % 7) for n in range(96)]), in_order=True)
    running.submit(one)
    assert logits(one) == [float(n) for n in range(96)]
    assert [sorted(int(text.split()[0]) // 32 for text in batch)[::31] for batch in model.batches] == [
        [0, 0],
        [1, 1],
        [2, 2],
    ]


def test_what_was_scored_so_far_can_be_read_before_the_request_is_finished(running: Batcher) -> None:
    model = LengthsModel(budget=32)
    lane_of_it = lane(model)
    one = job(lane_of_it, work([document(n, 1) for n in range(64)]), in_order=True)
    assert running.reached(one, Job.partial).reached == []
    model.gate.clear()
    running.submit(one)
    assert model.entered.wait(30)
    model.entered.clear()
    running.run(lambda: None)  # waits behind the first batch
    model.gate.set()
    one.future.result(30)
    part = one.partial()
    assert part.reached == list(range(64)) and part.scores.scores.logits.tolist() == [float(n) for n in range(64)]


def test_half_of_the_pairs_are_reached_while_the_second_batch_is_in_the_model(running: Batcher) -> None:
    class Stepping(LengthsModel):
        def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
            if self.batches:
                self.gate.clear()
                self.entered.set()
            return super().run(rows)

    model = Stepping(budget=32)
    one = job(lane(model), work([document(n, 1) for n in range(64)]), in_order=True)
    running.submit(one)
    while not (model.batches and model.entered.wait(30) and not model.gate.is_set()):
        pass
    part = running.reached(one, Job.partial)
    assert part.reached == list(range(32))
    assert part.scores.scores.logits.tolist() == [float(n) for n in range(32)]
    model.gate.set()
    assert len(logits(one)) == 64


def test_a_full_queue_refuses_a_request_at_once_and_says_when_to_come_back() -> None:
    running = batcher(seconds=10.0)
    model = LengthsModel(budget=10)
    blocked(running, model)
    shared = lane(model)  # 100 tokens a second
    running.submit(job(shared, work(["1"], tokens=700)))
    with pytest.raises(OverloadedError, match="send it again in 8 s") as error:
        running.submit(job(shared, work(["2"], tokens=1000)))
    assert error.value.retry_after == 8
    model.gate.set()
    running.close()


def test_a_request_larger_than_the_bound_is_admitted_to_an_empty_queue() -> None:
    running = batcher(seconds=1.0)
    one = job(lane(LengthsModel()), work([document(1, 50)], tokens=100_000))
    running.submit(one)
    assert logits(one) == [1.0]
    running.close()


def test_a_more_urgent_request_takes_the_place_of_a_less_urgent_one_that_has_not_begun() -> None:
    running = batcher(seconds=10.0)
    model = LengthsModel(budget=10)
    blocked(running, model)
    shared = lane(model)
    late = job(shared, work(["1"], tokens=700), priority=9)
    urgent = job(shared, work(["2"], tokens=700), priority=0)
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
    running.run(model.gate.set)  # behind the batch that waits for it: opened below
    model.gate.set()
    running.close()
    assert one.future.done()


def test_no_pairs_are_finished_at_once(running: Batcher) -> None:
    one = job(lane(LengthsModel()), work([]))
    running.submit(one)
    assert logits(one) == []
