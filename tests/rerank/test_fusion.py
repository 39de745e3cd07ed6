"""Fusing the two stages' scores, against scipy's z-score and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import zscore

from rerank.fusion import fuse, standardize

scores = st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=40).map(lambda x: np.array(x, dtype=np.float32))


@given(scores)
def test_z_scores_equal_scipys(values: NDArray[np.float32]) -> None:
    wide = values.astype(np.float64)
    if wide.std() > 1e-3:
        np.testing.assert_allclose(standardize(values), zscore(wide), atol=1e-9)


def test_equal_scores_standardize_to_zero() -> None:
    assert standardize(np.full(4, 3.25, dtype=np.float32)).tolist() == [0.0, 0.0, 0.0, 0.0]


def test_no_scores_give_no_scores() -> None:
    assert fuse(np.array([]), np.array([]), 0.5).shape == (0,)


def test_equal_sum_of_two_worked_z_scores() -> None:
    # z([1, 2, 3]) is (-1.2247, 0, 1.2247), and the other stage says the reverse of it but for the middle
    fused = fuse(np.array([1.0, 2.0, 3.0]), np.array([3.0, 3.0, 0.0]), 0.5)
    assert fused.tolist() == pytest.approx(
        [(-1.224745 + 0.707107) / 2, 0.707107 / 2, (1.224745 - 1.414214) / 2], abs=1e-5
    )


@given(scores, st.randoms(use_true_random=False))
def test_weight_one_keeps_the_models_order_and_weight_zero_the_first_stages(
    values: NDArray[np.float32], random: object
) -> None:
    other = np.random.default_rng(7).permutation(values)
    assert fuse(other, values, 1.0).tolist() == standardize(values).astype(np.float32).tolist()
    assert fuse(values, other, 0.0).tolist() == standardize(values).astype(np.float32).tolist()
