"""A click log whose propensities and attractivenesses are known: users look at a position, then click if attracted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from resift.rerank.training.mining.clicks.log import ClickLog, Session


def simulate(
    propensities: Sequence[float], queries: int = 40, sessions: int = 400, seed: int = 7, swaps: float = 0.5
) -> tuple[ClickLog, dict[str, dict[str, float]]]:
    """Return a log of the position-based model, and query -> doc_id -> attractiveness.

    Each query has as many results as positions. Its usual order has nothing to do with their attractiveness; in a share
    of `swaps` of the sessions, two random results have exchanged their places, as after a change of the ranking.
    """
    draw = np.random.default_rng(seed)
    log, truth = ClickLog(), {}
    size = len(propensities)
    for number in range(queries):
        ids = [f"d{number}-{place}" for place in range(size)]
        attractive = dict(zip(ids, (0.05 + 0.9 * draw.random(size)).tolist(), strict=True))
        truth[f"query {number}"] = attractive
        for _ in range(sessions):
            shown = list(ids)
            if draw.random() < swaps:
                one, other = draw.choice(size, 2, replace=False)
                shown[one], shown[other] = shown[other], shown[one]
            rates = np.array([propensities[place] * attractive[doc_id] for place, doc_id in enumerate(shown)])
            clicked = frozenset(doc_id for doc_id, hit in zip(shown, draw.random(size) < rates, strict=True) if hit)
            log.add(Session(f"query {number}", tuple(shown), clicked))
    return log, truth
