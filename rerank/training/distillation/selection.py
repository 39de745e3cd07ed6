"""Choose the documents of a query for one step of the training, spread over the teacher's scores or over the strata."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from resift.rerank.training.distillation.candidates import STRATA, CandidateList


def choose(one: CandidateList, size: int, random: Generator) -> list[int]:
    """Return the places of up to `size` candidates of a list, ascending.

    If the list is scored, one is drawn from each of `size` ranges of the teacher's scores with equally many candidates,
    so that good, middling and bad ones are seen, not the top alone; else the strata take turns, positives first. A
    relevant document, if there is one, is always among them.
    """
    count = len(one.candidates)
    if count <= size:
        return list(range(count))
    if one.labels:
        order = np.argsort(-np.array(one.labels), kind="stable")
        chosen = [int(part[int(random.integers(len(part)))]) for part in np.array_split(order, size)]
    else:
        chosen = _by_stratum(one, size, random)
    relevant = [place for place, candidate in enumerate(one.candidates) if candidate.relevance > 0]
    if relevant and not set(relevant) & set(chosen):
        kept = int(random.choice(relevant))
        labels = one.labels or [0.0] * count
        nearest = min(chosen, key=lambda place: abs(labels[place] - labels[kept]))
        chosen[chosen.index(nearest)] = kept
    return sorted(chosen)


def _by_stratum(one: CandidateList, size: int, random: Generator) -> list[int]:
    strata: list[list[int]] = [[] for _ in STRATA]
    for place in random.permutation(len(one.candidates)):
        strata[STRATA.index(one.candidates[int(place)].stratum)].append(int(place))
    turns = _turns(strata)
    return turns[:size]


def _turns(strata: Sequence[list[int]]) -> list[int]:
    """Return the members of all lists: the first of each, then the second of each, and so on."""
    longest = max(map(len, strata))
    return [stratum[turn] for turn in range(longest) for stratum in strata if turn < len(stratum)]
