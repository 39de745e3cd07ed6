"""Order and batches within a token budget; smaller batches if one does not fit into memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.packing import batch_end, longest_first
from resift.rerank.scorers.predictor import Batch, OutOfMemoryError, Predictor, short_of_memory
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import make_tokenizer, sentences

LENGTHS = st.lists(st.integers(1, 600), min_size=1, max_size=200).map(lambda values: np.array(values, dtype=np.int64))
BUDGETS = st.integers(1, 5000)


def batches(lengths: NDArray[np.int64], budget: int) -> list[slice]:
    """Return the batches of `lengths`, in descending order, as `batch_end` divides them."""
    found: list[slice] = []
    while not found or found[-1].stop < len(lengths):
        start = found[-1].stop if found else 0
        found.append(slice(start, batch_end(lengths, start, budget)))
    return found


@given(LENGTHS)
def test_the_order_is_descending_and_stable(lengths: NDArray[np.int64]) -> None:
    order = longest_first(lengths)
    assert [(int(lengths[place]), int(place)) for place in order] == sorted(
        ((int(length), place) for place, length in enumerate(lengths)), key=lambda pair: (-pair[0], pair[1])
    )


@given(LENGTHS, BUDGETS)
def test_batches_cover_every_row_once_and_in_order(lengths: NDArray[np.int64], budget: int) -> None:
    found = batches(lengths[longest_first(lengths)], budget)
    assert [row for part in found for row in range(part.start, part.stop)] == list(range(len(lengths)))


@given(LENGTHS, BUDGETS)
def test_a_batch_of_several_rows_stays_within_the_budget(lengths: NDArray[np.int64], budget: int) -> None:
    ordered = lengths[longest_first(lengths)]
    for part in batches(ordered, budget):
        rows = part.stop - part.start
        assert rows == 1 or rows * int(ordered[part].max()) <= budget


@given(LENGTHS, BUDGETS)
def test_one_more_row_in_a_batch_would_exceed_the_budget(lengths: NDArray[np.int64], budget: int) -> None:
    ordered = lengths[longest_first(lengths)]
    for part in batches(ordered, budget)[:-1]:
        assert (part.stop - part.start + 1) * int(ordered[part.start]) > budget


def test_a_row_longer_than_the_budget_is_a_batch_by_itself() -> None:
    assert batch_end(np.array([600, 600]), 0, budget=512) == 1


class SmallMemory(Predictor):
    """Scores a pair by its number of tokens, and has memory for at most `rows` rows at once."""

    def __init__(self, rows: int, batch_tokens: int = 10_000) -> None:
        folder = ModelFolder(Path(), "small-memory", {}, {}, {}, {}, {})
        super().__init__(folder, PairEncoder(make_tokenizer("bert"), 64), batch_tokens)
        self.rows, self.sizes = rows, list[int]()

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        if len(batch["input_ids"]) > self.rows:
            raise OutOfMemoryError
        self.sizes.append(len(batch["input_ids"]))
        logits: NDArray[np.float32] = batch["attention_mask"].sum(axis=1).astype(np.float32)
        return logits


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    pairs = [("cat", text) for text in sentences(40, seed=5)]
    narrow, wide = SmallMemory(rows=3), SmallMemory(rows=1000)
    assert narrow.score(pairs).logits.tolist() == wide.score(pairs).logits.tolist()
    assert len(wide.sizes) == 1
    assert max(narrow.sizes) <= 3
    assert len(narrow.sizes) <= 20  # at least two rows each: batches are halved, not scored row by row
    assert sum(narrow.sizes) == 40


def test_batches_stay_within_the_budget_and_contain_pairs_of_several_queries() -> None:
    scorer = SmallMemory(rows=1000, batch_tokens=200)
    pairs = [(query, text) for query in ("cat", "river stone") for text in sentences(20, seed=5)]
    longest = int(scorer.score(pairs).logits.max())
    assert scorer.sizes[0] == 200 // longest
    assert max(scorer.sizes) > scorer.sizes[0] > 1
    assert sum(scorer.sizes) == 40


def test_one_row_that_does_not_fit_is_an_error_that_names_the_model() -> None:
    with pytest.raises(ModelError, match=r"small-memory: there is not enough memory for one pair of \d+ tokens"):
        SmallMemory(rows=0).score([("cat", "dog food"), ("cat", "the river")])


def test_a_halved_batch_in_one_call_does_not_reduce_the_batches_of_the_next() -> None:
    scorer = SmallMemory(rows=3)
    scorer.score([("cat", text) for text in sentences(8, seed=5)])
    scorer.rows, scorer.sizes = 1000, []
    scorer.score([("cat", text) for text in sentences(8, seed=5)])
    assert scorer.sizes == [8]


class Damaged(SmallMemory):
    """Returns a score that is NaN."""

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        logits = super().forward(batch)
        logits[-1] = self.rows and np.nan
        return logits


def test_a_score_that_is_nan_is_an_error_that_names_the_model() -> None:
    with pytest.raises(ModelError, match="small-memory: its scores are NaN or infinite"):
        Damaged(rows=8).score([("cat", "dog"), ("cat", "river stone")])


class Saturated(SmallMemory):
    """Returns logits so high that their float32 sigmoids are all 1."""

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        return super().forward(batch) + np.float32(100.0)


def test_documents_are_ordered_by_logits_if_all_sigmoids_are_one() -> None:
    ranking = Saturated(rows=8).rank("cat", ["dog", "dog food of the river", "dog food"])
    assert [(row["corpus_id"], row["score"]) for row in ranking] == [(1, 1.0), (2, 1.0), (0, 1.0)]


def test_documents_with_equal_scores_keep_their_given_order() -> None:
    ranking = SmallMemory(rows=8).rank("cat", ["dog", "food", "cat", "dog"], activation="identity")
    assert [row["corpus_id"] for row in ranking] == [0, 1, 2, 3]
    assert len({row["score"] for row in ranking}) == 1


def test_equal_pairs_are_scored_once() -> None:
    scorer = SmallMemory(rows=8)
    assert scorer.score([("cat", "dog"), ("cat", "river"), ("cat", "dog")]).logits.shape == (3,)
    assert scorer.sizes == [2]


def test_other_errors_of_torch_are_not_treated_as_out_of_memory() -> None:
    assert short_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert not short_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
