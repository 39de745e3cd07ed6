"""The result of a training for people: the log, and what the kept model reaches on each set."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from resift.rerank.training.record import Evaluation, LogRow, RunRecord

_MEASURE = "ndcg@10"
_LAST_ROWS = 12  # rows of the log that are shown


def render(record: RunRecord) -> Group:
    """Return the log of a training and its evaluations as tables; of a long log the last rows are shown."""
    parts: list[RenderableType] = []
    if record.log:
        parts.append(_log_table(record))
    if record.evaluations:
        parts += [Text(""), _values_table(record)]
    return Group(*parts)


def row_line(row: LogRow) -> str:
    """Return a row of the log in one line.

    >>> row_line(LogRow(0.5, 20, 0.91, {"dev_map": 0.5, "dev_ndcg@10": 0.61234}))
    'step 20, epoch 0.50: loss 0.9100, dev ndcg@10 0.6123'
    """
    values = [f"{name.removesuffix(f'_{_MEASURE}')} {_MEASURE} {value:.4f}" for name, value in _shown(row)]
    loss = [f"loss {row.loss:.4f}"] if row.loss is not None else []
    return f"step {row.step}, epoch {row.epoch:.2f}: {', '.join([*loss, *values]) or 'nothing was evaluated'}"


def _shown(row: LogRow) -> Iterator[tuple[str, float]]:
    return ((name, value) for name, value in row.values.items() if name.endswith(_MEASURE))


def _log_table(record: RunRecord) -> Table:
    names = list(dict.fromkeys(name for row in record.log for name, _ in _shown(row)))
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for title in ("step", "epoch", "loss"):
        table.add_column(title, justify="right", no_wrap=True)
    for name in names:
        table.add_column(name.removesuffix(f"_{_MEASURE}"), justify="right", overflow="fold")
    rows = record.log if len(record.log) <= _LAST_ROWS else [record.log[0], *record.log[1 - _LAST_ROWS :]]
    for row in rows:
        values = [f"{row.values[name]:.4f}" if name in row.values else "" for name in names]
        best = row.step == record.best_step
        loss = "" if row.loss is None else f"{row.loss:.4f}"
        table.add_row(
            f"{row.step}{' *' if best else ''}", f"{row.epoch:.2f}", loss, *values, style="bold" if best else ""
        )
    way = "" if record.trained_share == 1 else f"{record.trained_share:g} of the way from the base to "
    table.caption = f"{_MEASURE}; * kept: {way}this step" if record.best_step else _MEASURE
    table.caption_justify = "left"
    return table


def _values_table(record: RunRecord) -> Table:
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    table.add_column("set", overflow="fold")
    measures = list(record.evaluations[0].values)
    for name in measures:
        table.add_column(name, justify="right", no_wrap=True)
    for one in record.evaluations:
        table.add_row(one.name, *(_value(one, name) for name in measures))
    table.caption, table.caption_justify = "in brackets: the difference from the first stage", "left"
    return table


def _value(one: Evaluation, name: str) -> str:
    if name not in one.values:
        return ""
    more = f" ({one.values[name] - one.first_stage[name]:+.4f})" if name in one.first_stage else ""
    return f"{one.values[name]:.4f}{more}"
