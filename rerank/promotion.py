"""Recognize the hits that a search puts above all others, such as pinned ones, by their first-stage scores."""

from __future__ import annotations

from collections.abc import Sequence

from resift.retrieval.bm25.segmentation import words

PINNED = 2.0**127
"""Scores above this number, about 1.7014118e38, are those of a pinned query or retriever of Elasticsearch.

Source: PinnedQueryBuilder of Elasticsearch, which reserves the highest exponent of float32 for pinned hits.
"""

LARGEST_OF_TERM = 50.0
"""No term of a query adds more to a BM25 score: ln(1 + 2^31 documents) = 21.5, times k1 + 1 = 2.2."""

SMALLEST_PROMOTED = 500.0
"""A score below this is never a promotion by its size, so that short queries on small indexes cannot be mistaken."""

RATIO = 30.0
"""How many times larger than all later scores a promoted score is."""

MOST_PROMOTED = 10
"""How many hits can be promoted by their size alone. A boost of more hits is a preference, within which one reranks."""


def count_promoted(scores: Sequence[float], query: str) -> int:
    """Return how many of the first hits are promoted; `scores` are those of the first stage, in descending order.

    Pinned hits are (`PINNED`). Others are if each score is at least `RATIO` times the size of every later one and
    larger than any BM25 score of `query`. Scores of other scales (cosines, probabilities, logits, reciprocal ranks)
    never are.

    >>> count_promoted([1.7014124e38, 1.7014122e38, 12.4, 9.1], "copy a folder")
    2
    >>> count_promoted([1009.3, 12.4, 9.1], "copy a folder")
    1
    >>> count_promoted([31.0, 0.2, 0.0], "copy a folder")
    0
    """
    pinned = sum(score >= PINNED for score in scores)
    least = max(SMALLEST_PROMOTED, LARGEST_OF_TERM * len(words(query)))
    last = min(pinned + MOST_PROMOTED, len(scores) - 1)
    for count in range(last, pinned, -1):
        rest = max(abs(scores[count]), abs(scores[-1]))  # the scores descend: no later one is larger in size
        if scores[count - 1] >= max(least, RATIO * rest):
            return count
    return pinned
