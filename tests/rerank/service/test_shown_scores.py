"""The scores of replies: in the order of the results for every reader, floats, and short enough for all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.candidates import Reranked
from resift.rerank.fusion import Scale
from resift.rerank.service.shown_scores import GAP, rounded, shown_scores

LOGITS = st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=60)


def results(logits: Sequence[float], promoted: int = 0, unread: int = 0) -> list[Reranked]:
    """Return results of the model alone, best first, between promoted ones and ones without text."""
    ordered = sorted((float(np.float32(logit)) for logit in logits), reverse=True)
    return [
        *(Reranked(place, 1e6 - place, None, unscored="promoted") for place in range(promoted)),
        *(Reranked(place, logit, logit, 0.5) for place, logit in enumerate(ordered)),
        *(Reranked(place, -1e6 - place, None, unscored="no text") for place in range(unread)),
    ]


def test_a_score_is_the_sigmoid_of_the_logit_with_nine_digits() -> None:
    assert shown_scores(results([2.0, -3.0]), None, raw=False) == [0.880797078, 0.0474258732]


def test_raw_scores_are_the_logits() -> None:
    assert shown_scores(results([2.0, -3.5]), None, raw=True) == [2.0, -3.5]


def test_saturated_probabilities_stay_in_the_order_of_their_logits() -> None:
    assert shown_scores(results([40.0, 39.0, 38.0]), None, raw=False) == [1.0, 0.999999762, 0.999999523]


def test_probabilities_that_would_all_be_zero_stay_in_the_order_of_their_logits() -> None:
    shown = shown_scores(results([-150.0, -160.0, -170.0]), None, raw=False)
    assert shown == [4.76837158e-07, 2.38418579e-07, 0.0]


def test_equal_logits_have_equal_scores() -> None:
    assert shown_scores(results([1.0, 1.0, 0.0]), None, raw=False) == [0.731058579, 0.731058579, 0.5]


@given(LOGITS, st.integers(0, 3), st.integers(0, 3))
def test_readers_of_float32_find_the_order_whether_they_add_one_or_not(
    logits: list[float], promoted: int, unread: int
) -> None:
    ranked = results(logits, promoted, unread)
    shown = shown_scores(ranked, None, raw=False)
    assert all(0.0 <= score <= 1.0 + GAP * 64 for score in shown)
    as_opensearch = np.array(shown, dtype=np.float32)
    as_elasticsearch = as_opensearch + np.float32(1.0)
    for one, other, falls in zip(as_opensearch, as_opensearch[1:], _falls(ranked), strict=False):
        assert one > other if falls else one >= other
    for one, other, falls in zip(as_elasticsearch, as_elasticsearch[1:], _falls(ranked), strict=False):
        assert one > other if falls else one >= other


def test_documents_without_a_score_keep_their_order_for_readers_that_add_one() -> None:
    shown = np.array(shown_scores(results([5.0, -150.0], unread=300), None, raw=False), dtype=np.float32)
    assert len(set((shown + np.float32(1.0)).tolist())) == 302


def test_close_logits_stay_apart_for_elasticsearch_which_adds_one() -> None:
    shown = np.array(shown_scores(results([7.08540201, 7.08540153]), None, raw=False), dtype=np.float32)
    assert shown[0] + np.float32(1.0) > shown[1] + np.float32(1.0)


def _falls(ranked: list[Reranked]) -> list[bool]:
    """Return for each scored result whether the next one is scored and has a lower logit."""
    return [
        one.logit is not None and other.logit is not None and one.logit > other.logit
        for one, other in zip(ranked, ranked[1:], strict=False)
    ]


@given(st.floats(-(2.0**40), 2.0**40, width=32))
def test_every_score_is_written_as_a_float_of_at_most_18_characters_that_keeps_float32_exactly(score: float) -> None:
    text = json.dumps(rounded(score))
    assert len(text) <= 18 and ("." in text or "e" in text)
    assert np.float32(json.loads(text)) == np.float32(score)


def test_documents_without_a_score_keep_their_places_with_falling_scores() -> None:
    shown = shown_scores(results([2.0, 1.0], promoted=2, unread=2), None, raw=False)
    assert shown == sorted(shown, reverse=True) and len(set(shown)) == 6
    assert shown[2:4] == [0.880797078, 0.731058579] and shown[0] <= 1.0 and shown[-1] > 0.0


def test_raw_scores_of_documents_that_were_not_scored_are_beyond_the_logits() -> None:
    assert shown_scores(results([2.0, 1.0], promoted=2, unread=2), None, raw=True) == [4.0, 3.0, 2.0, 1.0, 0.0, -1.0]


def test_without_any_logit_the_scores_fall_evenly_near_0() -> None:
    nothing = results([], unread=3)
    assert shown_scores(nothing, None, raw=False) == [7.15255737e-07, 4.76837158e-07, 2.38418579e-07]
    assert shown_scores(nothing, None, raw=True) == [0.0, -1.0, -2.0]


def test_a_fused_value_is_shown_on_the_scale_of_the_logits() -> None:
    fused = [Reranked(0, 1.5, logit=1.0, fused=1.5), Reranked(1, -0.5, logit=4.0, fused=-0.5)]
    scale = Scale(first_stage=(9.0, 2.0), logits=(1.0, 2.0))
    assert shown_scores(fused, scale, raw=True) == [4.0, 0.0]
    assert shown_scores(fused, scale, raw=False) == [pytest.approx(0.98201379), 0.5]
