"""Write the results of an experiment: JSON, TREC runs and per-query values for programs, pages for people."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from resift.rerank.evaluation.experiment import ExperimentResult, SetResult
from resift.rerank.evaluation.judged_ranks import helped, hurt
from resift.rerank.evaluation.measures import MEASURES
from resift.rerank.evaluation.page import write_page
from resift.rerank.evaluation.report_page import WORST, report_page
from resift.rerank.evaluation.significance import Comparison
from resift.retrieval.json_output import write_json
from resift.retrieval.trec import column_problem, write_run
from resift.retrieval.types import Run, from_run


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
            **_certainty(result.comparisons),
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


def changed_to_json(result: ExperimentResult, worst: int) -> dict[str, object]:
    """Return "hurt" and "helped": set -> at most `worst` queries with their judged documents; {} if `worst` is 0."""
    if not worst:
        return {}
    return {
        word: {one.name: [dataclasses.asdict(query) for query in find(one, worst)] for one in result.sets}
        for word, find in (("hurt", hurt), ("helped", helped))
    }


def write_report(path: Path, result: ExperimentResult, worst: int = WORST) -> None:
    """Write the report to `path` as HTML or Markdown, as the name says. Raises SettingsError and OSError."""
    write_page(path, report_page(result, worst))


def write_results(folder: Path, result: ExperimentResult, worst: int = WORST) -> list[Path]:
    """Write the two runs of each set, the values, the report and results.json under `folder`; return the paths.

    A run is a TREC file, or JSON {query_id: {doc_id: score}} if an id contains white space. report.md and report.html
    list at most `worst` hurt and helped queries. Each file is written atomically, results.json last: if it exists, all
    others exist too.
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
                written.append(write_json(path.with_name(f"{path.name}.json"), run))
    written.append(write_json(folder / "per_query.json", per_query_to_json(result)))
    for name in ("report.md", "report.html"):
        write_report(folder / name, result, worst)
        written.append(folder / name)
    written.append(write_json(folder / "results.json", to_json(result)))
    return written


def _what_was_run(result: ExperimentResult) -> dict[str, object]:
    return {"mode": result.mode, "model": result.model, "depth": result.depth, **result.conditions}


def _set_to_json(one: SetResult) -> dict[str, object]:
    first_stage, reranked = one.means
    return {
        "name": one.name,
        "queries": one.queries,
        "first_stage": first_stage,
        "reranked": reranked,
        "difference": {name: comparison.difference for name, comparison in one.comparisons.items()},
        **_certainty(one.comparisons),
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


def _certainty(comparisons: Mapping[str, Comparison]) -> dict[str, object]:
    compared = comparisons.items()
    return {
        "interval_95": {name: [comparison.low, comparison.high] for name, comparison in compared},
        "p_value": {name: comparison.p_value for name, comparison in compared},
        "wins": {name: comparison.wins for name, comparison in compared},
        "ties": {name: comparison.ties for name, comparison in compared},
        "losses": {name: comparison.losses for name, comparison in compared},
    }


def _difference(first_stage: Mapping[str, float], reranked: Mapping[str, float]) -> dict[str, float]:
    return {name: reranked[name] - first_stage[name] for name in MEASURES}


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
