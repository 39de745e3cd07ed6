"""A fitted fusion for the terminal: the curve over the weights, and what each set gains."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from resift.rerank.evaluation.report_rows import signed
from resift.rerank.training.fusion.fitted import FittedFusion, KindFit, SetCurve
from resift.retrieval.wording import counted

_MOST_ROWS = 21
READING_AID = (
    "held out: by cross-validation, each query with the weight that all others chose; "
    "gain: from the first stage, with the 95 % interval of a bootstrap over the queries"
)


def render(fitted: FittedFusion) -> Group:
    """Return what was fitted for people; it fits 80 columns for up to five sets."""
    parts: list[RenderableType] = [Text("nDCG@10 by the weight of the model\n"), _curve(fitted), _sets(fitted)]
    parts += [Text(READING_AID, style="dim"), Text("")]
    parts += [Text(_kind(one)) for one in fitted.kinds]
    parts += [Text(f"{fitted.reason}."), Text(f"\n{headline(fitted)}", style="bold")]
    return Group(*parts)


def headline(fitted: FittedFusion) -> str:
    """Return the fusion, and what it gains on held-out queries, in one line."""
    fusion = fitted.fusion
    what = "the model alone" if fusion.kind == "none" else f"{fusion.kind} with weight {fusion.weight:g}"
    gain = fitted.mean("held_out") - fitted.mean("first_stage")
    default = fitted.mean("held_out") - fitted.mean("default")
    many = counted(fitted.queries, "query", "queries")
    return f"{what}: {signed(gain)} from the first stage, {signed(default)} from the default, {many}"


def _kind(one: KindFit) -> str:
    folds = f"{one.spread[0]:.2g} to {one.spread[1]:.2g} in the folds"
    harmed = f"; {one.best:g} is best on average, but harms {', '.join(one.harmed)}" if one.harmed else ""
    gain = f"held out {one.held_out:.4f}, gain {signed(one.gain)} ± {one.error:.4f}"
    return f"{one.kind}: weight {one.weight:g} ({folds}), {gain}{harmed}"


def _curve(fitted: FittedFusion) -> Table:
    kind = fitted.fusion.kind if fitted.fusion.kind != "none" else "zscore"
    curves = [one for one in fitted.curves if one.kind == kind]
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    table.add_column("weight", justify="right", no_wrap=True)
    for one in curves:
        table.add_column(one.name, justify="right", overflow="fold")
    if len(curves) > 1:
        table.add_column("mean", justify="right")
    every = max(1, -(-(len(fitted.weights) - 1) // (_MOST_ROWS - 1)))
    for place, weight in enumerate(fitted.weights):
        chosen = weight == fitted.fusion.weight
        if place % every == 0 or chosen or place == len(fitted.weights) - 1:
            cells = [f"{value:.4f}" for value in _row(curves, place)]
            table.add_row(f"{'> ' if chosen else ''}{weight:g}", *cells, style="bold" if chosen else None)
    return table


def _row(curves: list[SetCurve], place: int) -> list[float]:
    means = [one.means[place] for one in curves]
    return [*means, sum(means) / len(means)] if len(means) > 1 else means


def _sets(fitted: FittedFusion) -> Table:
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    table.add_column("set", overflow="fold")
    for name in ("queries", "first stage", "alone", "default", "held out", "gain"):
        table.add_column(name, justify="right", overflow="fold")
    for one in fitted.sets:
        means = (f"{value:.4f}" for value in (one.first_stage, one.alone, one.default, one.held_out))
        low, high = one.interval
        gain = f"{signed(one.held_out - one.first_stage)} [{signed(low)}, {signed(high)}]"
        table.add_row(one.name, str(one.queries), *means, gain)
    return table
