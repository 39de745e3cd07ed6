"""A query with some of its documents, drawn for one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from resift.rerank.scorer import Pair
from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.selection import choose

_CHARACTERS_PER_TOKEN = 5
_SHIFTED = 0.5  # of the texts that are longer than a step reads


@dataclass(frozen=True, slots=True)
class Group:
    """A query with documents: their `texts`, the teacher's `labels` (NaN if it has not scored them), their grades.

    `judged` says whether the query has judgements.
    """

    query: str
    texts: tuple[str, ...]
    labels: tuple[float, ...]
    relevance: tuple[int, ...]
    judged: bool

    @property
    def has_relevant(self) -> bool:
        """Whether a relevant document is among the drawn ones, so that the judgements can teach something."""
        return self.judged and max(self.relevance, default=0) > 0


def draw_group(one: CandidateList, size: int, random: Generator, length: int | None = None) -> Group:
    """Return up to `size` documents of a list, drawn by `random`.

    With `length`, the tokens of a pair that are read, half of the longer documents that are not known to be relevant
    begin at a later word, so that the ends of documents are read too; then the teacher must read the same text.
    """
    places = choose(one, size, random)
    chosen = [one.candidates[place] for place in places]
    texts = [
        candidate.text if length is None or candidate.relevance > 0 else _shifted(candidate.text, length, random)
        for candidate in chosen
    ]
    labels = tuple(one.labels[place] for place in places) if one.labels else (float("nan"),) * len(places)
    return Group(one.query, tuple(texts), labels, tuple(candidate.relevance for candidate in chosen), one.judged)


def tensors(groups: Sequence[Group]) -> tuple[list[Pair], Tensor, NDArray[np.float32], Tensor]:
    """Return the pairs of all groups, and for each the number of its group, its label and its grade, each (pairs,).

    The grade is -1 in a group without judgements.
    """
    pairs = [(group.query, text) for group in groups for text in group.texts]
    queries = torch.tensor([number for number, group in enumerate(groups) for _ in group.texts])
    labels = np.array([label for group in groups for label in group.labels], dtype=np.float32)
    grades = torch.tensor([grade if group.judged else -1 for group in groups for grade in group.relevance])
    return pairs, queries, labels, grades


def _shifted(text: str, length: int, random: Generator) -> str:
    room = len(text) - _CHARACTERS_PER_TOKEN * length
    if room <= 0 or random.random() >= _SHIFTED:
        return text
    start = text.find(" ", int(random.integers(room)))
    return text[start + 1 :] if 0 <= start < len(text) - 1 else text
