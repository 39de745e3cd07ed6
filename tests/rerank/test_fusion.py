"""Fusion of the two stages' scores, compared with scipy's z-score and with values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import zscore

from resift.rerank.fusion import Scale, fuse, separate, standardize, weights_by
from resift.rerank.scorers.own_fusion import KINDS

scores = st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=40).map(lambda x: np.array(x, dtype=np.float32))


@given(scores)
def test_z_scores_equal_scipys(values: NDArray[np.float32]) -> None:
    wide = values.astype(np.float64)
    if wide.std() > 1e-3:
        np.testing.assert_allclose(standardize(values), zscore(wide), atol=1e-9)


def test_equal_scores_standardize_to_zero() -> None:
    assert standardize(np.full(4, 3.25, dtype=np.float32)).tolist() == [0.0, 0.0, 0.0, 0.0]


def test_empty_arrays_give_an_empty_array() -> None:
    assert fuse(np.array([]), np.array([]), 0.5).shape == (0,)


def test_fusion_with_weight_one_half_is_the_mean_of_the_z_scores() -> None:
    # z([1, 2, 3]) is (-1.2247, 0, 1.2247), and z([3, 3, 0]) is (0.7071, 0.7071, -1.4142)
    fused = fuse(np.array([1.0, 2.0, 3.0]), np.array([3.0, 3.0, 0.0]), 0.5)
    assert fused.tolist() == pytest.approx(
        [(-1.224745 + 0.707107) / 2, 0.707107 / 2, (1.224745 - 1.414214) / 2], abs=1e-5
    )


@given(scores)
def test_weight_one_gives_the_z_scores_of_the_model_and_weight_zero_those_of_the_first_stage(
    values: NDArray[np.float32],
) -> None:
    other = np.random.default_rng(7).permutation(values)
    assert np.allclose(fuse(other, values, 1.0), standardize(values), atol=1e-5)
    assert np.allclose(fuse(values, other, 0.0), standardize(values), atol=1e-5)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=2, unique=True), st.floats(-1e3, 1e3, width=32))
def test_the_higher_logit_decides_between_two_candidates_if_the_stages_disagree(
    first_stage: list[float], logit: float
) -> None:
    worse, better = (0, 1) if first_stage[0] > first_stage[1] else (1, 0)
    logits = np.zeros(2, dtype=np.float32)
    logits[worse], logits[better] = logit, np.nextafter(np.float32(logit), np.float32(np.inf))
    fused = fuse(np.array(first_stage), logits, 0.5)
    assert fused[better] > fused[worse]


def test_sums_that_differ_by_a_rounding_error_are_ordered_by_logit() -> None:
    noisy = np.array([0.1 + 0.2, 0.3, 7.0])  # 0.30000000000000004 and 0.3
    assert separate(noisy, np.array([1.0, 2.0, 0.0])).argsort().tolist() == [0, 1, 2]
    assert separate(noisy, np.array([2.0, 1.0, 0.0])).argsort().tolist() == [1, 0, 2]


# few distinct values, for many ties; 1e-9 is below the resolution of float32, 1e-15 is a rounding error of float64
value = st.builds(
    lambda whole, fine, noise: whole + fine * 1e-9 + noise * 1e-15,
    st.integers(-2, 2),
    st.integers(-2, 2),
    st.integers(-2, 2),
)


@given(st.lists(st.tuples(value, st.integers(-2, 2)), max_size=30))
def test_scores_are_ordered_by_value_then_by_logit_and_only_equal_candidates_get_equal_scores(
    candidates: list[tuple[float, int]],
) -> None:
    values = np.array([one for one, _ in candidates], dtype=np.float64)
    logits = np.array([logit for _, logit in candidates], dtype=np.float32)
    scores = separate(values, logits)

    assert scores.dtype == np.float32
    assert np.allclose(scores, values, atol=1e-5)
    for (one, logit), score in zip(candidates, scores, strict=True):
        for (other, other_logit), other_score in zip(candidates, scores, strict=True):
            if abs(one - other) > 1e-10:
                assert (score > other_score) == (one > other)
            else:
                assert (score > other_score) == (logit > other_logit)


def test_some_candidates_are_fused_as_among_all_with_the_scale_of_all() -> None:
    generator = np.random.default_rng(5)
    first_stage, logits = generator.normal(12, 4, 100), generator.normal(-3, 6, 100).astype(np.float32)
    scale, some = Scale.of(first_stage, logits), np.array([3, 50, 7, 99, 20])

    whole = fuse(first_stage, logits, 0.4)
    np.testing.assert_allclose(fuse(first_stage[some], logits[some], 0.4, scale), whole[some], rtol=1e-6)
    assert np.abs(fuse(first_stage[some], logits[some], 0.4) - whole[some]).max() > 0.1


def test_a_stage_whose_scores_are_all_equal_has_no_say_with_a_scale_either() -> None:
    equal, logits = np.array([7.1, 7.1, 7.1]), np.array([1.0, 3.0, 2.0])

    mean, deviation = Scale.of(equal, logits).first_stage
    assert mean == pytest.approx(7.1) and deviation == 0.0
    assert fuse(equal[:2], logits[:2], 0.5, Scale.of(equal, logits)).argmax() == 1


def test_a_model_has_less_weight_for_a_text_that_it_read_in_part() -> None:
    first_stage, logits = np.array([1.0, 3.0, 2.0, 6.0]), np.array([4.0, -2.0, 0.0, 1.0])
    read = np.array([1.0, 0.25, 0.5, 1.0])
    found = fuse(first_stage, logits, weights_by("zscore-read", 0.8, read))
    weights = np.array([0.8, 0.2, 0.4, 0.8])
    by_scipy = weights * zscore(logits) + (1 - weights) * zscore(first_stage)
    np.testing.assert_allclose(found, by_scipy, atol=1e-6)


def test_texts_that_are_read_to_the_end_are_fused_by_both_sums_alike() -> None:
    whole = np.ones(3)
    assert weights_by("zscore-read", 0.7, whole).tolist() == [weights_by("zscore", 0.7, whole)] * 3  # type: ignore[union-attr]


def test_every_kind_of_fusion_but_the_model_alone_is_a_sum() -> None:
    for kind in KINDS[:-1]:
        weights_by(kind, 0.5, np.ones(2))
    with pytest.raises(ValueError, match="'none' is not a sum"):
        weights_by(KINDS[-1], 1.0, np.ones(2))
