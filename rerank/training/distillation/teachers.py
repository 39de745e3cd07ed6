"""The teacher: one scorer, or several whose scores are put on one scale per query and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Scorer
from resift.rerank.training.distillation.candidates import CandidateList
from resift.retrieval.errors import ModelError, SettingsError

FIRST_STAGE_TEACHER = "first-stage"
"""The name of the first stage as a member of an ensemble: its scores are the lexical signal."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the teachers: its name, its scorer (None for the first stage), and its weight among the others."""

    name: str
    scorer: Scorer | None
    weight: float = 1.0


class Teacher:
    """Scores candidate lists with one scorer, or an ensemble of several."""

    def __init__(self, members: Sequence[Member]) -> None:
        """Use `members`; the first one must be a scorer, whose mean and spread within each query are kept.

        Raises SettingsError if there is none, or a weight is negative, or all are 0.
        """
        if not members or members[0].scorer is None:
            raise SettingsError("the first teacher is not a model; name a model first", "teacher")
        if any(member.weight < 0 for member in members) or not sum(member.weight for member in members) > 0:
            raise SettingsError("expected weights of 0 or more, not all 0", "teacher_weights")
        self.members = tuple(members)

    def score(self, lists: Sequence[CandidateList]) -> list[tuple[float, ...]]:
        """Return the labels of the candidates of each list, in their order; all pairs share the scorers' batches.

        One scorer's labels are its raw logits. Of several, each one's scores are turned into z-scores within the query,
        averaged with the weights, and put on the mean and the spread of the first one's logits for this query: the
        ensemble decides the order, and the level stays that of a cross-encoder. Raises ModelError.
        """
        pairs = [(one.query, candidate.text) for one in lists for candidate in one.candidates]
        sizes = [len(one.candidates) for one in lists]
        columns = []
        for member in self.members:
            found = _first_stage(lists) if member.scorer is None else _logits(member, pairs)
            columns.append(np.split(found, np.cumsum(sizes)[:-1]))
        weights = np.array([member.weight for member in self.members])
        combined = [combine([column[place] for column in columns], weights) for place in range(len(lists))]
        return [tuple(float(np.float32(label)) for label in labels) for labels in combined]


def combine(scores: Sequence[NDArray[np.float64]], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the labels of one query: the weighted mean of the z-scores, on the mean and the spread of the first.

    `scores` has one array (documents,) for each member. A member that gives all documents the same score has no say.
    The spread of an average of z-scores is below 1 where its members disagree; it is scaled back to 1 before.

    >>> combine([np.array([1.0, 3.0]), np.array([9.0, 5.0])], np.array([1.0, 0.0])).tolist()
    [1.0, 3.0]
    """
    first = scores[0]
    if len(scores) == 1:
        return first
    mean = np.average([_standard(one) for one in scores], axis=0, weights=weights)
    combined: NDArray[np.float64] = first.mean() + first.std() * _standard(mean)
    return combined


def _standard(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return z-scores, or zeros if all scores are equal."""
    spread = scores.std()
    return (scores - scores.mean()) / spread if spread > 1e-9 else np.zeros_like(scores)


def _logits(member: Member, pairs: list[tuple[str, str]]) -> NDArray[np.float64]:
    assert member.scorer is not None
    logits = np.asarray(member.scorer.score(pairs).logits, dtype=np.float64)
    if logits.shape != (len(pairs),) or not np.isfinite(logits).all():
        raise ModelError(
            f"returned {logits.shape} scores, or not finite ones, for {len(pairs)} pairs; choose another teacher",
            member.name,
        )
    return logits


def _first_stage(lists: Sequence[CandidateList]) -> NDArray[np.float64]:
    """Return the first stage's scores; a document that it did not find has the lowest score of its list, or 0."""
    found: list[float] = []
    for one in lists:
        known = [candidate.first_stage for candidate in one.candidates if candidate.first_stage is not None]
        least = min(known, default=0.0)
        found += [least if score is None else score for score in (each.first_stage for each in one.candidates)]
    return np.array(found, dtype=np.float64)
