"""Describe the rows of a data source, while they are read: columns, statistics, first rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resift.rerank.training.record.run import Column, Source

SAMPLES = 3
"""How many rows a card shows."""

MEASURED = 1000
"""How many rows, from the first, the statistics of long columns are of."""

_FEW = 10  # different numbers of a column that are listed with their shares
_LONGEST = 1000  # characters of a text that a sample keeps
_MOST = 10  # members of a list that a sample keeps

CountTokens = Callable[[Sequence[str]], Sequence[int]]
"""Returns the number of tokens of each text."""


@dataclass(slots=True)
class _Tally:
    """The lowest, the mean and the highest of some numbers."""

    lowest: float = float("inf")
    highest: float = float("-inf")
    total: float = 0.0
    count: int = 0
    values: Counter[float] = field(default_factory=Counter)

    def add(self, numbers: Iterable[float], listed: bool = False) -> None:
        for number in numbers:
            self.lowest, self.highest = min(self.lowest, number), max(self.highest, number)
            self.total += number
            self.count += 1
            if listed and len(self.values) <= _FEW:
                self.values[number] += 1


class Described:
    """Describes rows as they pass: `rows` yields each row of its argument unchanged, `source` returns what was seen."""

    def __init__(self, count_tokens: CountTokens | None = None) -> None:
        """Measure texts in tokens by `count_tokens`, else in characters."""
        self._count = count_tokens
        self._tallies: dict[str, _Tally] = {}
        self._kinds: dict[str, str] = {}
        self._samples: list[dict[str, Any]] = []
        self._rows = 0

    def rows(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Yield `rows`, and see each of them."""
        for row in rows:
            self.see(row)
            yield row

    def see(self, row: Mapping[str, Any]) -> None:
        """Add one row to what is described."""
        if self._rows < SAMPLES:
            self._samples.append({name: _shortened(value) for name, value in row.items()})
        if self._rows < MEASURED:
            for name, value in row.items():
                self._measure(name, value)
        self._rows += 1

    def source(self, name: str, **facts: str) -> Source:
        """Return the description of all rows seen; `facts` are other fields of `Source`."""
        columns = tuple(self._column(name) for name in self._kinds)
        return Source(name, self._rows, columns, tuple(self._samples), min(self._rows, MEASURED), **facts)

    def _measure(self, name: str, value: object) -> None:
        kind = self._kinds.setdefault(name, _kind(value))
        tally = self._tallies.setdefault(name, _Tally())
        if isinstance(value, str):
            tally.add(self._count([value]) if self._count else [len(value)])
        elif isinstance(value, list | tuple):
            tally.add([len(value)])
        elif isinstance(value, int | float) and kind == "number":
            tally.add([float(value)], listed=True)

    def _column(self, name: str) -> Column:
        kind, tally = self._kinds[name], self._tallies[name]
        unit = {"text": "tokens" if self._count else "characters", "number": ""}.get(kind, kind)
        if not tally.count:
            return Column(name, kind, unit, 0.0, 0.0, 0.0)
        few = kind == "number" and len(tally.values) <= _FEW
        shares = {f"{value:g}": count / tally.count for value, count in sorted(tally.values.items())} if few else {}
        return Column(name, kind, unit, tally.lowest, tally.total / tally.count, tally.highest, shares)


def describe(
    name: str, rows: Iterable[Mapping[str, Any]], count_tokens: CountTokens | None = None, **facts: str
) -> Source:
    """Return the description of a source with `rows`, each a mapping of column names to values.

    `count_tokens` measures texts in tokens, else they are measured in characters. `facts` are other fields of
    `Source`, such as hub, licence, attribution.

    >>> describe("tiny", [{"query": "a", "label": 1}, {"query": "abc", "label": 0}]).columns[0].mean
    2.0
    """
    described = Described(count_tokens)
    for row in rows:
        described.see(row)
    return described.source(name, **facts)


def _kind(value: object) -> str:
    if isinstance(value, list | tuple):
        return "texts" if value and isinstance(value[0], str) else "numbers"
    return "text" if isinstance(value, str) else "number"


def _shortened(value: object) -> Any:  # noqa: ANN401 - JSON is anything
    """Return a value as a sample keeps it: long texts end with "...", long lists after some members."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[:_LONGEST] + "..."
    if isinstance(value, list | tuple):
        kept = [_shortened(member) for member in value[:_MOST]]
        return [*kept, "..."] if len(value) > _MOST else kept
    return value
