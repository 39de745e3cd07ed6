"""Probabilities become finite logits in the same order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.scorers.activations import sigmoid
from resift.rerank.scorers.remote.probabilities import to_logits


def logits(*values: float) -> list[float]:
    found: list[float] = to_logits(np.array(values, dtype=np.float64)).tolist()
    return found


def test_a_logit_is_the_inverse_of_the_sigmoid() -> None:
    values = np.array([0.001, 0.25, 0.5, 0.9, 0.99999], dtype=np.float64)
    assert logits(*values) == pytest.approx([math.log(p / (1 - p)) for p in values], rel=1e-6, abs=1e-6)
    assert sigmoid(to_logits(values)).tolist() == pytest.approx(values.tolist(), rel=1e-5)


def test_certain_probabilities_have_finite_logits() -> None:
    assert logits(0.0, 1.0) == pytest.approx([-16.6355, 16.6355], abs=1e-3)


def test_scores_that_are_not_probabilities_keep_their_order() -> None:
    found = logits(-3.0, -0.5, 0.0, 0.4, 1.0, 7.5)
    assert found == sorted(set(found))


def test_no_probabilities_have_no_logits() -> None:
    assert to_logits(np.zeros(0)).shape == (0,)


@given(st.lists(st.floats(0.0, 1.0) | st.sampled_from([0.5, np.nextafter(0.5, 1), 1e-300, 1.0 - 2**-53]), max_size=50))
def test_distinct_probabilities_stay_distinct_in_order_and_equal_ones_equal(values: list[float]) -> None:
    found = to_logits(np.array(values, dtype=np.float64))
    assert found.dtype == np.float32 and np.isfinite(found).all()
    for one, first in zip(values, found, strict=True):
        for other, second in zip(values, found, strict=True):
            assert (one < other) == (first < second)
