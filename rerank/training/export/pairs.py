"""Take pairs of texts from training examples of any form, to fit int8 to them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from resift.rerank.scorer import Pair
from resift.rerank.training.examples import Example, graded, read_examples

MOST_PAIRS = 2000
"""Pairs that are kept of a file, drawn evenly from all of it."""


def read_pairs(source: str | Path, most: int = MOST_PAIRS) -> list[Pair]:
    """Return up to `most` pairs of the examples in `source`, drawn from all of them, the same in each run.

    Raises CorpusError if it cannot be read.
    """
    draw = random.Random(0)
    kept: list[Pair] = []
    for count, pair in enumerate(pairs_of(read_examples(source))):
        if len(kept) < most:
            kept.append(pair)
        elif (place := draw.randrange(count + 1)) < most:  # reservoir sampling, Vitter's algorithm R
            kept[place] = pair
    return kept


def pairs_of(examples: Iterable[Example]) -> Iterator[Pair]:
    """Yield each query of `examples` with each of its documents."""
    for example in examples:
        yield from ((example.query, document) for document, _ in graded(example))
