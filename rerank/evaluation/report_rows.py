"""What every form of an experiment's report shows: its conditions, and a row for each set and for their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from resift.rerank.evaluation.experiment import COMPARABLE, ExperimentResult
from resift.rerank.evaluation.significance import SAMPLES, Comparison
from resift.retrieval.wording import counted

_COMPARABLE_NOTE = "sentence-transformers' NanoBEIR protocol, positives added"
_END_TO_END_NOTE = "our own first stage over the whole corpus, nothing added"
_SHOWN = {"window": "rank_window_size", "split": "split"}  # word in the heading -> name of the condition
READING_AID = (
    f"first stage -> reranked, and the difference; * its 95 % interval excludes 0 "
    f"(paired bootstrap over the queries, {SAMPLES:,} resamples); "
    f"wins, ties, losses: queries that reranking made better, left equal, made worse"
)


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A set, or the mean of all: what both stages reached in each measure, and how certain the difference is."""

    name: str
    remark: str
    first_stage: Mapping[str, float]
    reranked: Mapping[str, float]
    comparisons: Mapping[str, Comparison]


def measured_rows(result: ExperimentResult) -> list[MeasuredRow]:
    """Return a row for each set of `result`, and one for the mean."""
    rows = []
    for one in result.sets:
        remark = counted(one.queries, "query", "queries") + ("" if one in result.counted else "\nnot in mean")
        rows.append(MeasuredRow(one.name, remark, *one.means, one.comparisons))
    sets = counted(len(result.counted), "set")
    return [*rows, MeasuredRow("mean", sets, *result.means, result.comparisons)]


def describe(result: ExperimentResult) -> str:
    """Return in a few lines which protocol, first stage and model gave the figures."""
    conditions = result.conditions
    note = _COMPARABLE_NOTE if result.mode == COMPARABLE else _END_TO_END_NOTE
    if conditions.get("engine"):
        note = f"the engine's own ranking in {conditions['target']}, nothing added"
    if conditions.get("run"):
        note = f"the given run {str(conditions['run'])!r}, nothing added"
    facts = [f"depth {result.depth}"]
    facts += [f"{word} {conditions[name]}" for word, name in _SHOWN.items() if conditions.get(name) is not None]
    lines = [f"{result.mode}: {note}", result.model, ", ".join(facts)]
    return "\n".join(filter(None, lines))


def change(row: MeasuredRow, measure: str) -> str:
    """Return the signed difference of a measure, with a star if it is certain."""
    star = " *" if row.comparisons[measure].certain else ""
    return f"{signed(row.reranked[measure] - row.first_stage[measure])}{star}"


def signed(difference: float) -> str:
    """Return a difference with its sign; one that rounds to 0 has no minus, since both values look equal.

    >>> signed(-0.25), signed(-0.00001)
    ('-0.2500', '+0.0000')
    """
    return f"{difference:+z.4f}"


def interval(found: Comparison) -> str:
    """Return the 95 % interval of a difference.

    >>> interval(Comparison(0.1, -0.05, 0.25, 0.5, 2, 0, 1))
    '[-0.0500, +0.2500]'
    """
    return f"[{signed(found.low)}, {signed(found.high)}]"
