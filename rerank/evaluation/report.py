"""Report an experiment: for programs as JSON, TREC runs and per-query values, for people as a table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from resift.rerank.evaluation.experiment import COMPARABLE, ExperimentResult, SetResult
from resift.rerank.evaluation.measures import MEASURES
from resift.rerank.evaluation.significance import SAMPLES
from resift.retrieval.atomic_file import write_file
from resift.retrieval.trec import column_problem, write_run
from resift.retrieval.types import Run, from_run

_COMPARABLE_NOTE = "sentence-transformers' NanoBEIR protocol, positives added"
_END_TO_END_NOTE = "our own first stage over the whole corpus, nothing added"
_HEADLINE = "ndcg@10"
_SHOWN = {"window": "rank_window_size", "split": "split"}  # word in the heading -> name of the condition
_READING_AID = (
    f"first stage -> reranked, and the difference; * its 95 % interval excludes 0 "
    f"(paired bootstrap over the queries, {SAMPLES:,} resamples); "
    f"wins, ties, losses: queries that reranking made better, left equal, made worse"
)


def to_json(result: ExperimentResult) -> dict[str, object]:
    """Return the content of results.json: "sets" and their "mean", and the conditions."""
    first_stage, reranked = result.means
    return {
        **_what_was_run(result),
        "sets": [_set_to_json(one) for one in result.sets],
        "mean": {
            "sets": [one.name for one in result.counted],
            "first_stage": first_stage,
            "reranked": reranked,
            "difference": _difference(first_stage, reranked),
        },
    }


def per_query_to_json(result: ExperimentResult) -> dict[str, object]:
    """Return the content of per_query.json: set -> query_id -> stage -> measure -> value."""
    sets = {
        one.name: {
            query_id: {"first_stage": values, "reranked": one.reranked[query_id]}
            for query_id, values in one.first_stage.items()
        }
        for one in result.sets
    }
    return {**_what_was_run(result), "sets": sets}


def render(result: ExperimentResult) -> Group:
    """Return the report for people; it fits 80 columns.

    The conditions; a table of all measures, one row per set and one for the mean; and the intervals of nDCG@10.
    """
    return Group(Text(_header(result)), _measures_table(result), Text(), _certainty_table(result), Text(_READING_AID))


def write_results(folder: Path, result: ExperimentResult) -> list[Path]:
    """Write the two runs of each set, per_query.json and results.json under `folder`; return the paths.

    A run is a TREC file, or JSON {query_id: {doc_id: score}} if an id contains white space. Each file is written
    atomically, results.json last: if it exists, all others exist too.
    Raises OSError if the folder cannot be written.
    """
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    written = []
    for one, stem in zip(result.sets, _file_names(result), strict=True):
        for stage, run in zip(("first_stage", "reranked"), one.runs, strict=True):
            path = folder / "runs" / f"{stem}.{stage}"
            if _fits_trec(run):
                written.append(_write_run(path.with_name(f"{path.name}.trec"), run, stage))
            else:
                written.append(_write_json(path.with_name(f"{path.name}.json"), run))
    for name, content in (("per_query.json", per_query_to_json(result)), ("results.json", to_json(result))):
        written.append(_write_json(folder / name, content))
    return written


def _what_was_run(result: ExperimentResult) -> dict[str, object]:
    return {"mode": result.mode, "model": result.model, "depth": result.depth, **result.conditions}


def _header(result: ExperimentResult) -> str:
    conditions = result.conditions
    note = _COMPARABLE_NOTE if result.mode == COMPARABLE else _END_TO_END_NOTE
    if conditions.get("engine"):
        note = f"the engine's own ranking in {conditions['target']}, nothing added"
    if conditions.get("run"):
        note = f"the given run {str(conditions['run'])!r}, nothing added"
    facts = [f"depth {result.depth}"]
    facts += [f"{word} {conditions[name]}" for word, name in _SHOWN.items() if conditions.get(name) is not None]
    lines = [f"{result.mode}: {note}", result.model, ", ".join(facts)]
    return "\n".join(filter(None, lines)) + "\n"


def _measures_table(result: ExperimentResult) -> Table:
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=0)
    table.add_column("set", overflow="fold")
    for name in MEASURES:
        table.add_column(name, no_wrap=True)
    for one in result.sets:
        first_stage, reranked = one.means
        certain = {name for name, comparison in one.comparisons.items() if comparison.certain}
        remark = f"{one.queries} queries" + ("" if one in result.counted else "\nnot in mean")
        table.add_row(Text(f"{one.name}\n{remark}"), *_cells(first_stage, reranked, certain))
    table.add_section()
    plural = "s" if len(result.counted) > 1 else ""
    first_stage, reranked = result.means
    table.add_row(Text(f"mean\n{len(result.counted)} set{plural}"), *_cells(first_stage, reranked, set()))
    return table


def _certainty_table(result: ExperimentResult) -> Table:
    """Return each set's difference of the headline measure, its interval, and its wins, ties and losses."""
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    table.add_column("set", overflow="fold")
    for name in (f"{_HEADLINE} by", "95 % interval", "wins", "ties", "losses"):
        table.add_column(name, no_wrap=True, justify="right")
    for one in result.sets:
        found = one.comparisons[_HEADLINE]
        interval = Text(f"[{found.low:+.4f}, {found.high:+.4f}]")
        counts = (str(count) for count in (found.wins, found.ties, found.losses))
        table.add_row(Text(one.name), f"{found.difference:+.4f}", interval, *counts)
    return table


def _set_to_json(one: SetResult) -> dict[str, object]:
    first_stage, reranked = one.means
    compared = one.comparisons.items()
    return {
        "name": one.name,
        "queries": one.queries,
        "first_stage": first_stage,
        "reranked": reranked,
        "difference": {name: comparison.difference for name, comparison in compared},
        "interval_95": {name: [comparison.low, comparison.high] for name, comparison in compared},
        "p_value": {name: comparison.p_value for name, comparison in compared},
        "wins": {name: comparison.wins for name, comparison in compared},
        "ties": {name: comparison.ties for name, comparison in compared},
        "losses": {name: comparison.losses for name, comparison in compared},
        "ceiling": dict(one.ceiling),
        "unanswered": one.unanswered,
        "seconds": {"first_stage": one.seconds.first_stage, "rerank": one.seconds.rerank},
        "cut": {  # what was truncated; the name is part of the file format
            "scored_documents": one.counts.scored,
            "documents": one.counts.truncated,
            "queries": one.counts.queries_truncated,
        },
        "in_mean": one.in_mean,
    }


def _difference(first_stage: Mapping[str, float], reranked: Mapping[str, float]) -> dict[str, float]:
    return {name: reranked[name] - first_stage[name] for name in MEASURES}


def _cells(first_stage: Mapping[str, float], reranked: Mapping[str, float], certain: set[str]) -> list[Text]:
    """Return one cell per measure: both values, below them the signed difference, with a star if it is certain."""
    return [
        Text(f"{first_stage[name]:.4f} -> {reranked[name]:.4f}\n{difference:+.4f}{' *' if name in certain else ''}")
        for name, difference in _difference(first_stage, reranked).items()
    ]


def _file_names(result: ExperimentResult) -> list[str]:
    """Return a distinct file name for each set, which any file system accepts."""
    plain = [re.sub(r"[^\w.-]+", "_", one.name) for one in result.sets]
    if len({name.lower() for name in plain}) == len(plain):
        return plain
    return [f"{position}-{name}" for position, name in enumerate(plain, start=1)]


def _fits_trec(run: Run) -> bool:
    """Return whether a TREC file can contain all ids of `run`."""
    ids = [doc_id for scores in run.values() for doc_id in scores]
    return not any(column_problem(one) for one in [*run, *ids])


def _write_run(path: Path, run: Run, tag: str) -> Path:
    write_run(path, from_run(run), tag)
    return path


def _write_json(path: Path, content: Mapping[str, object]) -> Path:
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_file(path, [text])
    return path
