"""Draw the loss and the dev values of a training over its steps, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resift.rerank.training.record import LogRow
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line

FORMS = (".svg", ".png", ".pdf")
"""Extensions of the pictures that can be drawn."""

_INK, _GREY = "#1f2933", "#9aa5b1"
_COLOURS = ("#0b6e99", "#b7410e", "#3f7d20", "#7b3fa0", "#8a6d00", "#c2185b")


def draw_curves(
    path: Path,
    rows: Sequence[LogRow],
    measure: str = "ndcg@10",
    first_stage: Mapping[str, float] | None = None,
    kept: int | None = None,
) -> None:
    """Draw the loss above and the values of `measure` below, as SVG, PNG or PDF, as `path` ends.

    `first_stage` maps a set's name to the first stage's value, a dashed line; the step `kept` has a star.
    Raises SettingsError on another name, ModelError if matplotlib is not installed, and OSError.
    """
    if path.suffix.lower() not in FORMS:
        raise SettingsError(f"{path.name} ends with none of {', '.join(FORMS)}; give it another name", "curves")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise ModelError(f"drawing needs matplotlib: {install_line('train')}") from None
    with rc_context({"svg.hashsalt": "resift", "font.size": 9, "axes.edgecolor": _GREY, "text.color": _INK}):
        figure = Figure(figsize=(7.2, 6.0), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True)
        losses = [(row.step, row.loss) for row in rows if row.loss is not None]
        above.plot(*_columns(losses), color=_INK, marker="o", markersize=3)
        above.set_ylabel("training loss")
        _draw_values(below, rows, measure, first_stage or {}, kept)
        below.set_xlabel("step")
        for axes in (above, below):
            axes.grid(color="#e4e7eb", linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else None  # equal values give equal bytes
        figure.savefig(path, dpi=150, metadata=metadata)


def _draw_values(
    axes: Any,  # noqa: ANN401 - matplotlib is untyped
    rows: Sequence[LogRow],
    measure: str,
    first_stage: Mapping[str, float],
    kept: int | None,
) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row.values if name.endswith(f"_{measure}")))
    for place, name in enumerate(names):
        colour, short = _COLOURS[place % len(_COLOURS)], name.removesuffix(f"_{measure}")
        points = [(row.step, row.values[name]) for row in rows if name in row.values]
        axes.plot(*_columns(points), color=colour, marker="o", markersize=3, label=short)
        at_kept = [point for point in points if point[0] == kept]
        axes.plot(*_columns(at_kept), color=colour, marker="*", markersize=11, linestyle="none")
        if short in first_stage:
            axes.axhline(first_stage[short], color=colour, linewidth=0.9, linestyle="--")
    axes.set_ylabel(f"{measure} on dev")
    if names:
        axes.legend(frameon=False, fontsize=8, title="dashed: first stage alone" if first_stage else None)


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [value for _, value in points]
