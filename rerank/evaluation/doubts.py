"""What makes the zeros of an evaluation doubtful: ids that do not meet."""

from __future__ import annotations

from collections.abc import Collection

from resift.retrieval.types import Qrels, Run


def doubts(qrels: Qrels, asked: Collection[str], candidates: Run, given: bool = False) -> list[str]:
    """Return a line for each reason why judged queries count 0 that has nothing to do with how good a stage is.

    `asked`: the ids of the queries. `candidates`: the first stage's run of those that are judged; `given` tells
    whether it was read rather than searched.

    >>> doubts({"q1": {"d": 1}, "q2": {"d": 1}}, ["q1"], {"q1": {"d": 2.0}})
    ['1 of the 2 judged queries is not among the queries and counts 0']
    """
    unasked = sum(query_id not in asked for query_id in qrels)
    unanswered = sum(query_id in asked and not candidates.get(query_id) for query_id in qrels)
    lines = []
    if unasked:
        lines.append(_count(unasked, len(qrels), "not among the queries"))
    if unanswered:
        lines.append(_count(unanswered, len(qrels), "not in the run" if given else "without any hit"))
    found = [doc_id for query_id in qrels for doc_id in candidates.get(query_id, ())]
    named = [doc_id for judged in qrels.values() for doc_id in judged]
    if found and named and not any(candidates.get(query_id, {}).keys() & judged for query_id, judged in qrels.items()):
        lines.append(
            f"none of the judged documents was found, so that all counts 0; do the ids of the judgements "
            f"({named[0]!r}) and of the {'run' if given else 'index'} ({found[0]!r}) belong together?"
        )
    return lines


def _count(few: int, all_of_them: int, what: str) -> str:
    verbs = ("is", "counts") if few == 1 else ("are", "count")
    return f"{few} of the {all_of_them} judged queries {verbs[0]} {what} and {verbs[1]} 0"
