"""The figures that the ladder is to reach, each with what was measured, and whether it was reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .measuring import BM25, Mean, Table
from .splits import IN_MEAN, NOT_ENGLISH, TEST

ALONE_ON_DL19 = {"base": 0.69, "small": 0.66, "tiny": 0.58}
"""Least ndcg@10 on dl19's BM25 run, without fusion."""

ABOVE_BM25 = {"base": 0.08, "small": 0.065}
"""Least difference from BM25 of the mean ndcg@10 over the sets of `IN_MEAN`, with the model's own fusion."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target: what was measured, at least what is wanted, and whether all judged queries were measured.

    `value` None: the logits are not there yet.
    """

    name: str
    wanted: float
    value: float | None
    complete: bool = False

    @property
    def outcome(self) -> str:
        """Pass or miss, with how far; "so far" if not all queries were measured; "not measured"."""
        if self.value is None:
            return "not measured"
        reached = self.value >= self.wanted
        word = "pass" if reached else f"miss by {self.wanted - self.value:.4f}"
        return word if self.complete else f"so far: {word}"


def targets(table: Table) -> list[Target]:
    """Return all targets, in the order of the ladder."""
    return [*_alone(table), *_above_bm25(table), *_above_bi_encoder(table), *_not_below(table)]


def _alone(table: Table) -> Iterator[Target]:
    for label, wanted in ALONE_ON_DL19.items():
        column = table.find(label, fused=False)
        cell = table.cells[column.name].get("dl19") if column else None
        value = cell.means["ndcg@10"].difference if cell else None
        yield Target(f"{label} alone on dl19, ndcg@10", wanted, value, bool(cell and cell.complete))


def _mean(table: Table, label: str) -> Mean | None:
    column = table.find(label, fused=True)
    return table.mean(column.name, IN_MEAN["test"]) if column else None


def _above_bm25(table: Table) -> Iterator[Target]:
    for label, wanted in ABOVE_BM25.items():
        mean = _mean(table, label)
        value = mean.differences["ndcg@10"].difference if mean else None
        yield Target(f"{label} fused, mean of 6 above {BM25}", wanted, value, bool(mean and mean.complete))


def _above_bi_encoder(table: Table) -> Iterator[Target]:
    theirs = _mean(table, "bi-encoder")
    for label in ABOVE_BM25:
        mean = _mean(table, label)
        above = mean.above(theirs) if mean and theirs else None
        complete = bool(mean and theirs and mean.complete and theirs.complete)
        value = above.difference if above else None
        yield Target(f"{label} fused, mean of 6 above the bi-encoder fused", 0.0, value, complete)


def _not_below(table: Table) -> Iterator[Target]:
    """Yield, for each model and set, the upper end of the interval of its difference from BM25, which is to reach 0."""
    for label in ALONE_ON_DL19:
        column = table.find(label, fused=True)
        for spec in TEST:
            cell = table.cells[column.name].get(spec) if column else None
            value = cell.differences["ndcg@10"].high if cell else None
            what = "not harmed" if spec in NOT_ENGLISH else f"not below {BM25}"
            yield Target(f"{label} fused on {spec}, {what} (upper end)", 0.0, value, bool(cell and cell.complete))
