"""Pairs of many requests in common batches: budgets, fairness, cancelling, memory, failures, and partial results."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError

import pytest

from resift.rerank.scorer import Scores
from resift.rerank.service.batching.batch_models import Prepared
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.batching.job import Job
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


def test_a_request_of_ten_documents_overtakes_one_of_a_thousand_by_the_same_caller() -> None:
    running = batcher(seconds=100.0)
    model = LengthsModel(budget=50)
    blocked(running, model)
    shared = lane(model)
    large = job(shared, work([document(number, 5) for number in range(1000)]), "a")
    small = job(shared, work([document(number, 5) for number in range(2000, 2010)]), "a")
    running.submit(large)
    running.submit(small)
    order = finished(large=large, small=small)
    model.gate.set()
    assert len(logits(large)) == 1000 and len(logits(small)) == 10
    assert order() == ["small", "large"]
    assert all(float(text.split()[0]) >= 2000 for text in model.batches[1])
    running.close()


class Stepping(LengthsModel):
    """Stops before its third batch until `gate` is set again."""

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        if len(self.batches) == 2:
            self.gate.clear()
            self.entered.set()
            assert self.gate.wait(30)
        return super().run(rows)


def test_a_small_request_overtakes_a_large_one_that_is_under_way() -> None:
    running = batcher(seconds=100.0)
    model = Stepping(budget=50)
    shared = lane(model)
    large = job(shared, work([document(number, 5) for number in range(1000)]), "a")
    running.submit(large)
    while model.gate.is_set():
        model.entered.wait(30)
    small = job(shared, work([document(number, 5) for number in range(2000, 2010)]), "a")
    running.submit(small)
    order = finished(large=large, small=small)
    model.gate.set()
    assert len(logits(small)) == 10 and len(logits(large)) == 1000
    assert order() == ["small", "large"]
    running.close()


def test_a_large_request_is_read_in_parts_between_which_others_are_served(running: Batcher) -> None:
    model = LengthsModel(budget=10**6)
    blocked(running, model)
    shared = lane(model)
    large = job(shared, work([document(number, 5) for number in range(1000)]))
    running.submit(large)
    model.gate.set()
    assert logits(large) == [float(number) for number in range(1000)]
    assert [len(batch) for batch in model.batches[1:]] == [256, 256, 256, 232]


def test_requests_of_nearly_equal_size_are_served_in_the_order_in_which_they_came(running: Batcher) -> None:
    model = LengthsModel(budget=10)
    blocked(running, model)
    shared = lane(model)
    jobs = [job(shared, work([document(n, words)], query=f"q{n}")) for n, words in ((1, 9), (2, 4), (3, 10), (4, 1))]
    for one in jobs:
        running.submit(one)
    model.gate.set()
    for one in jobs:
        one.future.result(30)
    assert [batch[0].split()[0] for batch in model.batches[1:]] == ["1", "2", "3", "4"]


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
