"""The rule of the gate: whether a model passes, from the verdicts on its dev sets, and why not.

A model passes if all of this holds:

1. On no dev set, and not in the mean over them, is it worse than its base or than the first stage.
2. Against each of them, at least one set or the mean is decided: the model is better there, or not worse. A model that
   is only not known to be worse does not pass: the report says how many queries would decide.
3. It is verified that the judged queries were not trained on: the training's texts are known, and queries among them
   were left out.
4. A search uses it: its weight in the fusion is not 0. With the weight 0 the first stage's ranking is served, which is
   not worse than itself.

An improvement need not be significant. The verdicts are those of `resift.rerank.training.gate.verdict.weigh`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from resift.rerank.training.gate.report import BASE, FIRST_STAGE, GateReport
from resift.rerank.training.gate.settings import GateSettings
from resift.rerank.training.gate.verdict import Versus
from resift.retrieval.wording import counted

_RIVALS = {BASE: "its base", FIRST_STAGE: "the first stage"}


def conclude(report: GateReport, settings: GateSettings) -> GateReport:
    """Return `report` with `passed` and `reasons` by the rule."""
    reasons = (*_unused(report), *_worse(report), *_undecided(report, settings), *_unverified(report, settings))
    return dataclasses.replace(report, passed=not reasons, reasons=reasons)


def _unused(report: GateReport) -> Iterator[str]:
    if report.unused:
        yield "its fused ranking is the first stage's: the model's weight in its fusion is 0, so that no search uses it"


def _worse(report: GateReport) -> Iterator[str]:
    for name, versus in [*((one.name, one.versus) for one in report.sets), ("the mean over the sets", report.mean)]:
        for rival, found in versus.items():
            if found.verdict == "worse" and not (name.startswith("the mean") and len(report.sets) == 1):
                yield f"{name}: worse than {_RIVALS[rival]}: {difference(found, report.measure)}"


def _undecided(report: GateReport, settings: GateSettings) -> Iterator[str]:
    if not report.mean:
        yield "no query is left to judge, because all of them were trained on; give a dev set of other queries"
        return
    for rival, mean in report.mean.items():
        everything = [mean, *(one.versus[rival] for one in report.sets if rival in one.versus)]
        if any(found.decided for found in everything):
            continue
        few = mean.resolvable < settings.gate_queries
        queries = counted(mean.resolvable if few else mean.queries, "query", "queries")
        what = f"{queries} whose order can matter" if few else queries
        yield (
            f"undecided against {_RIVALS[rival]}: {difference(mean, report.measure)}; with {what}, a difference below "
            f"{mean.detectable:.3f} cannot be seen, and about {mean.needed:,} would show a loss of "
            f"{settings.gate_margin:g}: give more dev queries"
        )


def _unverified(report: GateReport, settings: GateSettings) -> Iterator[str]:
    if settings.gate_record and not report.verified:
        yield (
            "it is not verified that the dev queries were not trained on, because the model's folder does not say what "
            "it was trained on; name the files of its training examples as `trained_on`"
        )


def difference(found: Versus, measure: str) -> str:
    """Return a difference with its interval and the number of queries, in words."""
    one = found.comparison
    queries = counted(found.queries, "query", "queries")
    return f"{measure} {one.difference:+.4f} [{one.low:+.4f}, {one.high:+.4f}] over {queries}"
