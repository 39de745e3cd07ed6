"""Models as the batcher runs them: pairs are prepared once per request, and their rows scored in any batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scorer, Scores
from resift.rerank.scorers.encoding import EncodedPairs
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.batching.estimate import probable_tokens

BUCKET = 32
"""In fixed shapes, the tokens of a pair are rounded up to a multiple of this."""

MAX_FIXED_TOKENS = 8192
"""Tokens of a fixed shape at most: each batch is filled up to it, so that a large one is a waste for few pairs."""

PAIRS_PER_CALL = 32
"""Pairs per call of a scorer that makes its own batches."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """n pairs, ready to be scored: `lengths`, int64 (n,), are their tokens; the rest is known to their model alone."""

    lengths: NDArray[np.int64]
    encoded: EncodedPairs | None
    pairs: Sequence[Pair]


class BatchModel(Protocol):
    """A model whose batches are made by someone else; only one thread uses it.

    `budget` is the maximum tokens of a batch including padding, and `most_rows` its maximum pairs, None for no limit.
    """

    budget: int
    most_rows: int | None

    def prepare(self, pairs: Sequence[Pair], document_tokens: int | None) -> Prepared:
        """Return `pairs` ready to be scored, with at most `document_tokens` tokens of each document if it is given.

        Raises ModelError if they cannot be read.
        """
        ...

    def shape(self, longest: int) -> tuple[int, int]:
        """Return the shortest and the longest pair, in tokens, of a batch whose longest pair has `longest` tokens."""
        ...

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        """Return the scores of `rows`, each a preparation and an index in it, in their order.

        Raises OutOfMemoryError if the batch does not fit into memory, and ModelError if the model cannot be run.
        """
        ...

    def on_cpu(self) -> BatchModel | None:
        """Load the same model for the CPU; None if it runs there already, or has no other place to run.

        Raises ModelError and SettingsError.
        """
        ...


class PredictorModel:
    """A model of ours, in batches by tokens; if `fixed` is True, in fixed shapes, in which equal pairs score alike.

    A fixed shape is decided by a pair's own length: its tokens are rounded up, and the rows are filled up by repeats.
    """

    def __init__(self, predictor: Predictor, settings: ScorerSettings, fixed: bool = False) -> None:
        """Run `predictor`, which was loaded with `settings`."""
        self.predictor, self.settings, self.fixed = predictor, settings, fixed
        self.budget = min(predictor.batch_tokens, MAX_FIXED_TOKENS) if fixed else predictor.batch_tokens
        self.most_rows = predictor.most_rows

    def prepare(self, pairs: Sequence[Pair], document_tokens: int | None) -> Prepared:
        """Tokenize `pairs`. Raises ModelError."""
        encoded = self.predictor.encode(pairs, document_tokens=document_tokens)
        return Prepared(np.maximum(encoded.lengths, 1), encoded, ())

    def shape(self, longest: int) -> tuple[int, int]:
        """Return the range of lengths; in fixed shapes, all round up to the same."""
        if not self.fixed:
            return 1, longest
        width = -(-longest // BUCKET) * BUCKET
        return width - BUCKET + 1, width

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        """Score one batch. Raises OutOfMemoryError and ModelError."""
        pairs = [(prepared.encoded, row) for prepared, row in rows if prepared.encoded is not None]
        logits = self.predictor.forward(self.predictor.encoder.pad_rows(*self._shaped(pairs)))[: len(pairs)]
        return Scores(
            logits,
            np.array([encoded.truncated[row] for encoded, row in pairs], dtype=bool),
            np.array([encoded.query_truncated[row] for encoded, row in pairs], dtype=bool),
            np.array([encoded.read_characters[row] for encoded, row in pairs], dtype=np.int64),
        )

    def on_cpu(self) -> PredictorModel | None:
        """Load the same model for the CPU. Raises ModelError and SettingsError."""
        if self.predictor.on_cpu:
            return None
        settings = replace(self.settings, device="cpu", dtype="auto", batch_tokens=None)
        spare = load_scorer(settings=settings)
        assert isinstance(spare, Predictor)  # it was one before
        return PredictorModel(spare, settings, self.fixed)

    def _shaped(self, pairs: list[tuple[EncodedPairs, int]]) -> tuple[list[tuple[EncodedPairs, int]], int]:
        """Return the rows of the batch and its width in tokens: in a fixed shape, filled up with the first pair."""
        if not self.fixed:
            return pairs, 1
        width = self.shape(max(int(encoded.lengths[row]) for encoded, row in pairs))[1]
        rows = min(max(1, self.budget // width), self.most_rows or self.budget)
        return pairs + pairs[:1] * (rows - len(pairs)), width


class ScorerModel:
    """Any other scorer, such as a remote one, which makes its own batches of the pairs that it is given."""

    def __init__(self, scorer: Scorer) -> None:
        """Run `scorer`; its tokens are estimated."""
        self.scorer = scorer
        self.budget = 1 << 40
        self.most_rows: int | None = PAIRS_PER_CALL

    def prepare(self, pairs: Sequence[Pair], document_tokens: int | None) -> Prepared:
        """Keep `pairs`; a limit of tokens is not known to such a scorer, and ignored."""
        lengths = [probable_tokens(query) + probable_tokens(document) for query, document in pairs]
        return Prepared(np.array(lengths, dtype=np.int64), None, pairs)

    def shape(self, longest: int) -> tuple[int, int]:
        """Return the range of lengths: pairs of any length fit together."""
        return 1, longest

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        """Score one batch. Raises ModelError."""
        return self.scorer.score([prepared.pairs[row] for prepared, row in rows])

    def on_cpu(self) -> None:
        """Return None: where such a scorer runs is not known."""
        return None


def batch_model(scorer: Scorer, settings: ScorerSettings, fixed: bool = False) -> BatchModel:
    """Return `scorer`, which was loaded with `settings`, as a model of the batcher."""
    return PredictorModel(scorer, settings, fixed) if isinstance(scorer, Predictor) else ScorerModel(scorer)
