"""Draw bars and lines as SVG elements that need no script, no style sheet and no font of others."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from resift.retrieval.text import one_line

_WIDTH, _HEIGHT = 720, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 44  # margins around the plot
_COLOURS = ("#2f7ed8", "#d9822b", "#3a9d5d", "#a05ac0", "#b0893b", "#7a8794")
_MOST_LABELS = 16


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from 0 up to `above`, and one from 0 down to `below`; both numbers are 0 or more."""

    label: str
    above: float
    below: float = 0.0


def bar_chart(title: str, bars: Sequence[Bar], x_label: str) -> str:
    """Return an SVG element with one place for each of `bars`; `title` is what a screen reader says."""
    top, bottom = (max((getattr(bar, side) for bar in bars), default=0.0) for side in ("above", "below"))
    span = (top + bottom) or 1.0
    zero = _TOP + _plot_height() * (top / span if top + bottom else 1.0)
    room = (_WIDTH - _LEFT - _RIGHT) / max(1, len(bars))
    every = math.ceil(len(bars) / _MOST_LABELS)
    parts = [_line(_LEFT, zero, _WIDTH - _RIGHT, zero)]
    for place, bar in enumerate(bars):
        x, width = _LEFT + room * (place + 0.1), room * 0.8
        for value, colour, y in (
            (bar.above, _COLOURS[0], zero - _plot_height() * bar.above / span),
            (bar.below, _COLOURS[1], zero),
        ):
            if value:
                height = _plot_height() * value / span
                shown = f"{bar.label}: {value:g}"
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
                    f"<title>{_escaped(shown)}</title></rect>"
                )
        if place % every == 0:
            parts.append(_text(x + width / 2, _HEIGHT - _BOTTOM + 16, bar.label))
    parts += [_text(_LEFT - 6, _TOP + 8, f"{top:g}", "end")] if top else []
    parts += [_text(_LEFT - 6, _HEIGHT - _BOTTOM, f"{bottom:g}", "end")] if bottom else []
    return _svg(title, parts, x_label)


def line_chart(title: str, lines: Mapping[str, Sequence[tuple[float, float]]], x_label: str) -> str:
    """Return an SVG element with lines through their (x, y) points, all above 0, on a logarithmic axis of y."""
    points = [point for line in lines.values() for point in line]
    xs = [x for x, _ in points] or [0.0]
    ys = [math.log10(max(y, 1e-4)) for _, y in points] or [0.0]
    low, high = math.floor(min(ys)), max(math.ceil(max(ys)), math.floor(min(ys)) + 1)
    left, width = min(xs), (max(xs) - min(xs)) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (_WIDTH - _LEFT - _RIGHT) * (x - left) / width,
            _TOP + _plot_height() * (high - y) / (high - low),
        )

    parts = list(_decades(low, high))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + width * share
        parts.append(_text(place(x, low)[0], _HEIGHT - _BOTTOM + 16, f"{x:g}"))
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(x, math.log10(max(y, 1e-4))) for x, y in line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(_LEFT + 10, _TOP + 12 + 16 * number, name, "start", colour))
    return _svg(title, parts, x_label)


def _decades(low: int, high: int) -> Iterator[str]:
    """Yield the lines and labels of the powers of ten from `low` to `high`."""
    for power in range(low, high + 1, math.ceil((high - low) / 6)):
        y = _TOP + _plot_height() * (high - power) / (high - low)
        yield _line(_LEFT, y, _WIDTH - _RIGHT, y)
        yield _text(_LEFT - 6, y + 4, f"{10.0**power:g}", "end")


def _svg(title: str, parts: Sequence[str], x_label: str) -> str:
    """Return the element, as wide as `_WIDTH` where there is room, in the colour of the text around it."""
    label = _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, x_label)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
        f'aria-label="{_escaped(title)}" font-size="12" font-family="system-ui, sans-serif">'
        f"{''.join(parts)}{label}</svg>"
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" stroke-opacity="0.3"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", colour: str = "currentColor") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return html.escape(one_line(text))


def _plot_height() -> float:
    return _HEIGHT - _TOP - _BOTTOM
