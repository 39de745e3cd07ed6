"""The cache of scores: what is known is found again exactly, within its bound, and for the same model only."""

from __future__ import annotations

import numpy as np

from resift.rerank.scorer import Scores
from resift.rerank.service.score_cache import ENTRY_BYTES, ScoreCache

PAIRS = [("q", "one"), ("q", "two"), ("other", "one")]


def scores(*logits: float, read: bool = True) -> Scores:
    size = len(logits)
    truncated = np.array([place % 2 == 1 for place in range(size)])
    characters = np.arange(size, dtype=np.int64) + 3 if read else None
    return Scores(np.array(logits, dtype=np.float32), truncated, ~truncated, characters)


def test_scores_are_found_again_exactly() -> None:
    cache = ScoreCache(1 << 20)
    cache.put("m", None, PAIRS, scores(0.1, 1e-30, -7.25))
    known = cache.get("m", None, [PAIRS[2], ("q", "three"), PAIRS[1]])
    assert known is not None
    places, found = known
    assert places == [0, 2]
    assert found.logits.tolist() == [-7.25, float(np.float32(1e-30))]
    assert found.truncated.tolist() == [False, True] and found.query_truncated.tolist() == [True, False]
    assert found.read_characters is not None and found.read_characters.tolist() == [5, 4]
    assert (cache.hits, cache.misses) == (2, 1)


def test_another_model_another_limit_of_tokens_and_another_split_of_the_texts_are_not_known() -> None:
    cache = ScoreCache(1 << 20)
    cache.put("m", None, [("ab", "c")], scores(1.0))
    assert cache.get("n", None, [("ab", "c")]) is None
    assert cache.get("m", 7, [("ab", "c")]) is None
    assert cache.get("m", None, [("a", "bc")]) is None
    assert cache.get("m", None, [("ab", "c")]) is not None


def test_the_least_recently_used_entries_are_forgotten_first() -> None:
    cache = ScoreCache(3 * ENTRY_BYTES)
    cache.put("m", None, PAIRS, scores(1.0, 2.0, 3.0))
    assert cache.get("m", None, PAIRS[:1]) is not None
    cache.put("m", None, [("new", "text")], scores(4.0))
    assert len(cache) == 3 and cache.bytes == 3 * ENTRY_BYTES
    assert cache.get("m", None, PAIRS[1:2]) is None
    assert cache.get("m", None, PAIRS[:1]) is not None


def test_a_cache_of_no_bytes_keeps_nothing() -> None:
    cache = ScoreCache(0)
    cache.put("m", None, PAIRS, scores(1.0, 2.0, 3.0))
    assert cache.get("m", None, PAIRS) is None and len(cache) == 0


def test_scores_of_a_scorer_that_does_not_report_what_it_read_come_back_without_that() -> None:
    cache = ScoreCache(1 << 20)
    cache.put("m", None, PAIRS[:2], scores(1.0, 2.0, read=False))
    known = cache.get("m", None, PAIRS[:2])
    assert known is not None and known[1].read_characters is None


def test_texts_with_lone_surrogates_are_keys_too() -> None:
    cache = ScoreCache(1 << 20)
    cache.put("m", None, [("q\ud800", "\udfff")], scores(1.0))
    assert cache.get("m", None, [("q\ud800", "\udfff")]) is not None
    assert cache.get("m", None, [("q", "\udfff")]) is None
