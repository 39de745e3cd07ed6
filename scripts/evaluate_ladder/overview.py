"""Write the table down: an overview, all cells with their intervals, and the targets; Markdown and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from resift.rerank.evaluation.significance import Comparison

from .measuring import BM25, MEASURED, Cell, Column, Mean, Table
from .speed import Timing
from .splits import IN_MEAN
from .targets import Target

NOTHING = "–"
SHOWN = "shown"
"""The part of all sets of a table, of which the mean is shown if it has neither all of dev nor all of test."""


def to_markdown(table: Table, speeds: Mapping[str, Timing], reached: Sequence[Target]) -> str:
    """Return the tables as Markdown; `speeds` are by the label of the model."""
    overviews = [_overview(table, measure, speeds) for measure in MEASURED]
    parts = ["# The ladder", *overviews, _all_cells(table), _targets(reached), _notes(speeds)]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_json(table: Table, speeds: Mapping[str, Timing], reached: Sequence[Target]) -> dict[str, Any]:
    """Return all figures as one JSON object."""
    return {
        "columns": {column.name: _column(column) for column in table.columns},
        "sets": {judged.spec: {"queries": len(judged.qrels)} for judged in table.sets},
        "cells": {
            name: {
                spec: {"queries": cell.queries, "judged": cell.judged, **_figures(cell)} for spec, cell in row.items()
            }
            for name, row in table.cells.items()
        },
        "means": {
            part: {column: {"complete": mean.complete, **_figures(mean)} for column, mean in found.items()}
            for part, found in _means(table).items()
        },
        "seconds": {label: asdict(timing) for label, timing in speeds.items()},
        "targets": [{**asdict(target), "outcome": target.outcome} for target in reached],
    }


def _column(column: Column) -> dict[str, Any]:
    models = {
        model.label: {"sha256": model.fingerprint, "megabytes": round(model.megabytes, 2), "tokens": model.max_length}
        for model in column.models
    }
    return {"models": models, "fusion": column.fusion.as_json() if column.fusion else None}


def _figures(measured: Cell | Mean) -> dict[str, Any]:
    return {
        name: {
            "mean": measured.means[name].difference,
            "interval_95": [measured.means[name].low, measured.means[name].high],
            "difference": asdict(measured.differences[name]),
        }
        for name in MEASURED
    }


def _means(table: Table) -> dict[str, dict[str, Mean]]:
    """Return part -> column -> mean, of those parts of which every set is in the table, else of all its sets."""
    specs = tuple(judged.spec for judged in table.sets)
    parts = {part: wanted for part, wanted in IN_MEAN.items() if set(wanted) <= set(specs)}
    found: dict[str, dict[str, Mean]] = {}
    if not parts and len(specs) > 1:
        parts = {SHOWN: specs}
    for part, wanted in parts.items():
        means = {column.name: table.mean(column.name, wanted) for column in table.columns}
        found[part] = {name: mean for name, mean in means.items() if mean is not None}
    return found


def _mean_name(table: Table, part: str) -> str:
    return f"mean of {len(IN_MEAN.get(part, table.sets))} {part}"


def _overview(table: Table, measure: str, speeds: Mapping[str, Timing]) -> str:
    """Return `measure` of each column (a row here) on each set; "n of N" where not all queries were measured."""
    means = _means(table)
    head = [judged.spec for judged in table.sets] + [_mean_name(table, part) for part in means]
    rows = []
    for column in table.columns:
        cells = [_short(table.cells[column.name].get(judged.spec), measure) for judged in table.sets]
        cells += [_short(found.get(column.name), measure) for found in means.values()]
        rows.append([column.name, *cells, _speed(column, speeds)])
    return f"## {measure}\n\n" + _rows(["", *head, "100 candidates"], rows)


def _short(measured: Cell | Mean | None, measure: str) -> str:
    if measured is None:
        return NOTHING
    value = f"{measured.means[measure].difference:.4f}"
    if measured.complete:
        return value
    return f"{value} ({measured.queries} of {measured.judged})" if isinstance(measured, Cell) else f"{value} (samples)"


def _speed(column: Column, speeds: Mapping[str, Timing]) -> str:
    timings = [speeds.get(model.label) for model in column.models]
    if not timings or None in timings:
        return NOTHING
    known = [timing for timing in timings if timing is not None]
    return f"{sum(one.ratio for one in known):.2f} ({1000 * sum(one.seconds for one in known):.0f} ms)"


def _all_cells(table: Table) -> str:
    """Return one row per set and column, with the intervals of the means and of the differences from BM25."""
    head = ["set", "queries", "", "ndcg@10", "mrr@10", "ndcg@10 - BM25's", "mrr@10 - BM25's", "better/worse"]
    rows = []
    for judged in table.sets:
        found = [(column.name, table.cells[column.name].get(judged.spec)) for column in table.columns]
        rows += [_cell(judged.spec, name, cell) for name, cell in found if cell is not None]
    for part, found_means in _means(table).items():
        rows += [_cell(_mean_name(table, part), name, mean) for name, mean in found_means.items()]
    return "## All cells, with 95 % intervals over the queries\n\n" + _rows(head, rows)


def _cell(label: str, name: str, measured: Cell | Mean) -> list[str]:
    queries = f"{measured.queries} of {measured.judged}" if isinstance(measured, Cell) else NOTHING
    means = [_interval(measured.means[one], "") for one in MEASURED]
    if name == BM25:
        return [label, queries, name, *means, NOTHING, NOTHING, NOTHING]
    paired = measured.differences["ndcg@10"]
    differences = [_interval(measured.differences[one], "+") for one in MEASURED]
    return [label, queries, name, *means, *differences, f"{paired.wins}/{paired.losses}"]


def _interval(compared: Comparison, sign: str) -> str:
    return f"{compared.difference:{sign}.4f} [{compared.low:{sign}.4f}, {compared.high:{sign}.4f}]"


def _targets(reached: Sequence[Target]) -> str:
    rows = [
        [one.name, f"{one.wanted:.3f}", f"{one.value:.4f}", one.outcome] for one in reached if one.value is not None
    ]
    return "## Targets\n\n" + _rows(["target", "at least", "measured", ""], rows) if rows else ""


def _notes(speeds: Mapping[str, Timing]) -> str:
    """Return a line per peer of the times."""
    peers = {(one.peer, one.machine, one.threads) for one in speeds.values()}
    times = [
        f"100 candidates: the median ratio to {peer} on the same machine, in turns, and the median time "
        f"({machine}, {threads} threads)."
        for peer, machine, threads in sorted(peers)
    ]
    return "\n\n".join(times)


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
