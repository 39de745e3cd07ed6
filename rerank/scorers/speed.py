"""Measure how fast a model scores on this machine."""

from __future__ import annotations

import time
from itertools import cycle, islice

from resift.rerank.scorer import Pair
from resift.rerank.scorers.ranking_model import RankingModel

CANDIDATES, WORDS = 100, 100
"""The candidates of one query, and the words of each, for which the seconds are given."""

_QUERY = "how long does the battery of a small radio last"
_VOCABULARY = (
    "the of and to in is that it was for on are with as at be this have from or had by but some what there can out "
    "were all your when up use word how said an each she which do their time if will way about many then them would "
    "these her long make thing see him two has look more day could go come did my sound no most number who over know "
    "water than call first people may down side been now find any new work part take get place made live where after "
    "little only round man year came show every good me give our under name very through just form much great think"
).split()


def seconds_per_query(scorer: RankingModel, budget: float = 0.3) -> float:
    """Return the seconds in which `scorer` scores `CANDIDATES` documents of `WORDS` words for one query.

    It scores some of them for about `budget` seconds after a first batch that is not counted, and takes the others to
    be as fast. Raises ModelError if the model cannot score them.
    """
    pairs = candidates()
    step = max(1, scorer.batch_tokens // (2 * WORDS))
    scorer.score(pairs[:step])
    done, started = 0, time.perf_counter()
    while True:
        part = pairs[done : done + step]
        scorer.score(part)
        done += len(part)
        taken = time.perf_counter() - started
        if taken >= budget or done >= len(pairs):
            return taken * CANDIDATES / done


def candidates() -> list[Pair]:
    """Return the query with `CANDIDATES` different documents of `WORDS` common English words."""
    words = cycle(_VOCABULARY)
    return [(_QUERY, " ".join(islice(words, WORDS)) + f" {number}") for number in range(CANDIDATES)]
