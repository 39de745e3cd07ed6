"""Measure every column of the table on every set, from the scores that the work folder has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resift.rerank.evaluation.measures import Values, per_query
from resift.rerank.evaluation.significance import Comparison, Paired, compare, compare_sets
from resift.rerank.fusion import fuse, standardize, weights_by
from resift.rerank.fusion_choice import Fusion
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Run

from .logits import CandidateScores, LogitFile
from .models import EvaluatedModel
from .splits import Candidates, JudgedSet

MEASURED = ("ndcg@10", "mrr@10")
BM25 = "BM25"


@dataclass(frozen=True, slots=True)
class Column:
    """One way to order the candidates: the z-scores of `models` added (one model: its logits), and fused with BM25.

    Without models it is BM25's own order. `fusion` None is without BM25.
    """

    models: tuple[EvaluatedModel, ...] = ()
    fusion: Fusion | None = None

    @property
    def name(self) -> str:
        """Its name in the table, with the weight of its fusion and who chose that."""
        labels = "+".join(model.label for model in self.models)
        if self.fusion is None:
            return labels or BM25
        if self.fusion.kind == "none":
            return f"{labels} as fitted: alone"
        chosen = "fitted" if self.fusion.source == "model" else "default"
        share = " x share read" if self.fusion.kind == "zscore-read" else ""
        return f"{labels} + {BM25} ({self.fusion.weight:g}{share}, {chosen})"

    def order(self, one: Candidates, scores: Sequence[CandidateScores]) -> dict[str, float]:
        """Return doc_id -> score of one query's candidates; `scores` are those of each model.

        Documents without a text keep their order below the others, as in `resift.rerank.reranker`.
        """
        first_stage = np.array(one.scores)
        if not self.models:
            return dict(zip(one.doc_ids, one.scores, strict=True))
        places = range(len(one.doc_ids))
        scored = [place for place in places if all(model.logits[place] is not None for model in scores)]
        unread = [place for place in places if place not in set(scored)]
        if not scored:
            return dict(zip(one.doc_ids, one.scores, strict=True))
        own = _together([np.array([model.logits[place] for place in scored], np.float32) for model in scores])
        final = own
        if self.fusion is not None and self.fusion.kind != "none":
            shares = np.array([[model.read[place] for place in scored] for model in scores], np.float64)
            weights = weights_by(self.fusion.kind, self.fusion.weight, shares.min(axis=0))  # (models, n) -> (n,)
            final = fuse(first_stage[scored], own, weights)
        found = {one.doc_ids[place]: float(score) for place, score in zip(scored, final, strict=True)}
        below = min(found.values()) - 1.0
        return found | {one.doc_ids[place]: below - step for step, place in enumerate(unread)}


@dataclass(frozen=True)
class Cell:
    """One column on one set: the values of each query, and BM25's of the same queries.

    `judged`: how many queries the set has.
    """

    values: Values
    first_stage: Values
    judged: int
    samples: int

    @property
    def queries(self) -> int:
        """How many queries were measured."""
        return len(self.values)

    @property
    def complete(self) -> bool:
        """Whether these are all judged queries of the set."""
        return self.queries == self.judged

    def series(self, measure: str) -> list[float]:
        """Return the values of `measure`, in the order of the queries."""
        return [row[measure] for row in self.values.values()]

    def paired(self, measure: str) -> Paired:
        """Return BM25's values and those of the column, of the same queries in the same order."""
        return [self.first_stage[query_id][measure] for query_id in self.values], self.series(measure)

    @cached_property
    def means(self) -> Mapping[str, Comparison]:
        """Each measure's mean, as the difference from 0, with its bootstrap interval."""
        return {name: compare([0.0] * self.queries, self.series(name), self.samples) for name in MEASURED}

    @cached_property
    def differences(self) -> Mapping[str, Comparison]:
        """Each measure's difference from BM25, paired over the queries."""
        return {name: compare(*self.paired(name), self.samples) for name in MEASURED}


@dataclass(frozen=True)
class Mean:
    """One column's macro mean over several sets, each with the same weight."""

    cells: Mapping[str, Cell]
    samples: int

    @property
    def complete(self) -> bool:
        """Whether all judged queries of all sets were measured."""
        return all(cell.complete for cell in self.cells.values())

    @cached_property
    def means(self) -> Mapping[str, Comparison]:
        """Each measure's mean, as the difference from 0, with its interval."""
        series = {name: [cell.series(name) for cell in self.cells.values()] for name in MEASURED}
        return {
            name: compare_sets([([0.0] * len(one), one) for one in series[name]], self.samples) for name in MEASURED
        }

    @cached_property
    def differences(self) -> Mapping[str, Comparison]:
        """Each measure's difference from BM25, paired over the queries of each set."""
        return {
            name: compare_sets([cell.paired(name) for cell in self.cells.values()], self.samples) for name in MEASURED
        }

    def above(self, other: Mean, measure: str = "ndcg@10") -> Comparison | None:
        """Return how this mean differs from `other`'s, over the queries that both have; None if a set has none."""
        sets = []
        for name, cell in self.cells.items():
            theirs = other.cells[name].values if name in other.cells else {}
            both = [query_id for query_id in cell.values if query_id in theirs]
            if not both:
                return None
            rows = ([theirs[one][measure] for one in both], [cell.values[one][measure] for one in both])
            sets.append(rows)
        return compare_sets(sets, self.samples)


@dataclass(frozen=True, slots=True)
class Table:
    """All cells: `cells[column name][set]`; a cell is missing if no query of it has scores.

    `samples`: resamples.
    """

    columns: tuple[Column, ...]
    sets: tuple[JudgedSet, ...]
    cells: Mapping[str, Mapping[str, Cell]]
    samples: int

    def mean(self, column: str, specs: Sequence[str]) -> Mean | None:
        """Return the column's mean over the sets `specs`; None if a cell is missing."""
        row = self.cells[column]
        found = {spec: row[spec] for spec in specs if spec in row}
        return Mean(found, self.samples) if specs and len(found) == len(specs) else None

    def find(self, label: str, fused: bool) -> Column | None:
        """Return the column of the model `label`, alone or fused; None if there is none."""
        for column in self.columns:
            if [model.label for model in column.models] == [label] and (column.fusion is not None) == fused:
                return column
        return None


def columns_of(models: Sequence[EvaluatedModel], ensembles: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns: BM25, then each model alone and fused, then `ensembles`, such as "teacher+bge".

    An ensemble is shown alone and in the equal sum with BM25. Raises SettingsError if it names another label.
    """
    columns = [Column()]
    for model in models:
        columns += [Column((model,)), Column((model,), model.fusion)]
    labels = {model.label: model for model in models}
    for ensemble in ensembles:
        parts = ensemble.split("+")
        if any(part not in labels for part in parts) or len(parts) < 2:
            raise SettingsError(f"{ensemble!r} is not a sum of models; expected labels of {', '.join(labels)}", "sum")
        several = tuple(labels[part] for part in parts)
        share = len(several) / (len(several) + 1)  # every one and BM25 with the same weight
        columns += [Column(several), Column(several, Fusion("zscore", round(share, 4), "default"))]
    return tuple(columns)


def measure_table(
    columns: Sequence[Column], sets: Sequence[JudgedSet], work: Path, samples: int = 2000, common: bool = False
) -> Table:
    """Return the table of `columns` on `sets`, from the scores in the work folder.

    `samples`: resamples of each interval. With `common`, the queries of a set are those that all of its columns have.
    """
    cells: dict[str, dict[str, Cell]] = {column.name: {} for column in columns}
    for judged in sets:
        scores = {model: LogitFile.of(work, model, judged).read(judged) for model in _models(columns)}
        there = {column: _measurable(column, judged, scores) for column in columns}
        measured = [set(queries) for column, queries in there.items() if column.models and queries]
        shared = set.intersection(*measured) if common and measured else set(judged.qrels)
        first_stage = _values(columns[0], judged, judged.sampled, scores)
        for column in columns:
            queries = [query_id for query_id in there[column] if query_id in shared]
            if queries:
                values = _values(column, judged, queries, scores)
                cells[column.name][judged.spec] = Cell(values, first_stage, len(judged.qrels), samples)
    return Table(tuple(columns), tuple(sets), cells, samples)


_ScoresOf = Mapping[EvaluatedModel, Mapping[str, CandidateScores]]


def _models(columns: Sequence[Column]) -> list[EvaluatedModel]:
    return list(dict.fromkeys(model for column in columns for model in column.models))


def _measurable(column: Column, judged: JudgedSet, scores: _ScoresOf) -> list[str]:
    """Return the queries whose scores are there for all models of the column; none if only those without hits are."""
    scored = [
        query_id
        for query_id in judged.sampled
        if query_id not in judged.candidates or all(query_id in scores[model] for model in column.models)
    ]
    return scored if any(query_id in judged.candidates for query_id in scored) else []


def _values(column: Column, judged: JudgedSet, queries: Sequence[str], scores: _ScoresOf) -> Values:
    """Return each measure of each of `queries`; one without candidates counts 0."""
    run: Run = {
        query_id: column.order(judged.candidates[query_id], [scores[model][query_id] for model in column.models])
        for query_id in queries
        if query_id in judged.candidates
    }
    return per_query({query_id: judged.qrels[query_id] for query_id in queries}, run)


def _together(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return one model's logits (n,), or the mean of several models' z-scores (n,)."""
    if len(logits) == 1:
        return logits[0]
    mean: NDArray[np.float32] = np.mean([standardize(one) for one in logits], axis=0).astype(np.float32)
    return mean
