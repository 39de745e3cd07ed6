"""Detect what makes judged queries count 0 whatever a stage does: ids that do not match, and nothing relevant."""

from __future__ import annotations

from collections.abc import Collection

from resift.retrieval.types import Qrels, Run
from resift.retrieval.wording import counted


def find_mismatches(qrels: Qrels, query_ids: Collection[str], run: Run, given: bool = False) -> list[str]:
    """Return one line for each reason why judged queries count 0 that does not depend on how good a stage is.

    `query_ids`: the ids of all queries. `run`: the first stage's run for the judged queries. `given`: whether
    that run was read from a file instead of searched.

    >>> find_mismatches({"q1": {"d": 1}, "q2": {"d": 1}}, ["q1"], {"q1": {"d": 2.0}})
    ['1 of the 2 judged queries is not among the queries and counts 0']
    """
    unknown = sum(query_id not in query_ids for query_id in qrels)
    empty = sum(query_id in query_ids and not run.get(query_id) for query_id in qrels)
    hopeless = sum(max(judged.values(), default=0) <= 0 for judged in qrels.values())
    lines = []
    if unknown:
        lines.append(_count(unknown, len(qrels), "not among the queries"))
    if empty:
        lines.append(_count(empty, len(qrels), "not in the run" if given else "without any hit"))
    if hopeless:
        lines.append(_count(hopeless, len(qrels), "without a relevant judgement (of grade 1 or more)"))
    found = [doc_id for query_id in qrels for doc_id in run.get(query_id, ())]
    named = [doc_id for judged in qrels.values() for doc_id in judged]
    if found and named and not any(run.get(query_id, {}).keys() & judged for query_id, judged in qrels.items()):
        lines.append(
            f"none of the judged documents was found, so that all measures are 0; check that the ids of the judgements "
            f"({named[0]!r}) and of the {'run' if given else 'index'} ({found[0]!r}) come from the same collection"
        )
    return lines


def _count(few: int, all_of_them: int, what: str) -> str:
    verbs = ("is", "counts") if few == 1 else ("are", "count")
    return f"{few:,} of the {counted(all_of_them, 'judged query', 'judged queries')} {verbs[0]} {what} and {verbs[1]} 0"
