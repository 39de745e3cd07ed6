"""Small results that the tests of the reports share."""

from __future__ import annotations

from resift.rerank.counts import Counts
from resift.rerank.evaluation.experiment import Seconds, SetResult, evaluate_set

QRELS = {f"q{number}": {"a": 1} for number in range(8)}
FIRST_STAGE = {query_id: {"a": 1.0, "b": 2.5} for query_id in QRELS}
RERANKED = {query_id: {"a": 2.0, "b": 1.0} for query_id in QRELS}


def better(name: str = "alpha") -> SetResult:
    """Every query: the relevant document goes from rank 2 to rank 1."""
    return evaluate_set(
        name, QRELS, FIRST_STAGE, RERANKED, Seconds(0.25, 1.5), Counts(scored=16, truncated=3, queries_truncated=1)
    )


def unchanged(name: str = "beta") -> SetResult:
    return evaluate_set(name, QRELS, RERANKED, RERANKED)
