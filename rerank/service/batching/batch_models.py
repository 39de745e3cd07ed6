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

PAIRS_PER_CALL = 256
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

    @property
    def elsewhere(self) -> bool:
        """Whether it runs on another device than the CPU."""
        ...

    def prepare(self, pairs: Sequence[Pair], document_tokens: int | None) -> Prepared:
        """Return `pairs` ready to be scored, with at most `document_tokens` tokens of each document if it is given.

        Raises ModelError if they cannot be read.
        """
        ...

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        """Return the scores of `rows`, each a preparation and an index in it, in their order.

        Raises OutOfMemoryError if the batch does not fit into memory, and ModelError if the model cannot be run.
        """
        ...

    def on_cpu(self) -> BatchModel | None:
        """Load the same model for the CPU; None if it runs there already, or where it runs is not known.

        Raises ModelError and SettingsError.
        """
        ...


class PredictorModel:
    """A model of ours, in batches by tokens; if `alone` is True, in batches of one pair.

    In a matrix product, a row's place among the others decides in which order its terms are added. Alone, and without
    padding, a pair is computed in the shape that its own length gives, so that its score depends on nothing else.
    """

    def __init__(self, predictor: Predictor, settings: ScorerSettings, alone: bool = False) -> None:
        """Run `predictor`, which was loaded with `settings`."""
        self.predictor, self.settings, self.alone = predictor, settings, alone
        self.budget = predictor.batch_tokens
        self.most_rows = 1 if alone else predictor.most_rows

    @property
    def elsewhere(self) -> bool:
        """Whether it runs on another device than the CPU."""
        return not self.predictor.on_cpu

    def prepare(self, pairs: Sequence[Pair], document_tokens: int | None) -> Prepared:
        """Tokenize `pairs`. Raises ModelError."""
        encoded = self.predictor.encode(pairs, document_tokens=document_tokens)
        return Prepared(np.maximum(encoded.lengths, 1), encoded, ())

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        """Score one batch. Raises OutOfMemoryError and ModelError."""
        pairs = [(prepared.encoded, row) for prepared, row in rows if prepared.encoded is not None]
        logits = self.predictor.forward(self.predictor.encoder.pad_rows(pairs))
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
        return PredictorModel(spare, settings, self.alone)


class ScorerModel:
    """Any other scorer, such as a remote one, which makes its own batches of the pairs that it is given."""

    def __init__(self, scorer: Scorer) -> None:
        """Run `scorer`; its tokens are estimated."""
        self.scorer = scorer
        self.budget = 1 << 40
        self.most_rows: int | None = PAIRS_PER_CALL

    @property
    def elsewhere(self) -> bool:
        """Return False: where such a scorer runs is not known."""
        return False

    def prepare(self, pairs: Sequence[Pair], document_tokens: int | None) -> Prepared:
        """Keep `pairs`; a limit of tokens is not known to such a scorer, and ignored."""
        lengths = [max(1, probable_tokens(query) + probable_tokens(document)) for query, document in pairs]
        return Prepared(np.array(lengths, dtype=np.int64), None, pairs)

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        """Score one batch. Raises ModelError."""
        return self.scorer.score([prepared.pairs[row] for prepared, row in rows])

    def on_cpu(self) -> None:
        """Return None: where such a scorer runs is not known."""
        return None


def batch_model(scorer: Scorer, settings: ScorerSettings, alone: bool = False) -> BatchModel:
    """Return `scorer`, loaded with `settings`, as a model of the batcher; `alone` is that of `PredictorModel`."""
    return PredictorModel(scorer, settings, alone) if isinstance(scorer, Predictor) else ScorerModel(scorer)
