"""The energy of a distillation, added up over all its processes in a file of its work folder."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from resift.rerank.training.energy import EnergyMeter
from resift.rerank.training.record import Energy
from resift.retrieval.json_output import write_json

ENERGY = "energy.json"
"""The file in the work folder: what was consumed so far, and whether all of the work was measured."""

_EVERY = 60.0  # seconds between two writes, which is what a kill can lose


class Consumption:
    """Measures the work of a distillation, and continues with the sum of earlier processes."""

    def __init__(
        self,
        path: Path,
        *,
        begun: bool,
        country: str | None = None,
        enabled: bool = True,
        note: Callable[[str], None] = lambda line: None,
        every: float = _EVERY,
    ) -> None:
        """Continue with the sum in the file at `path`, which is written at most once in `every` seconds.

        `begun`: whether there is work of an earlier process. If that was not measured, nothing is measured any more: a
        part would be taken for the whole. `country` is that of `EnergyMeter`; nothing is measured unless `enabled`.
        """
        self._path, self._country, self._enabled, self._note, self._every = path, country, enabled, note, every
        self._meter: EnergyMeter | None = None
        self._written = 0.0
        self._sum, self._whole = _read(path) if path.exists() else (None, not begun)

    @property
    def total(self) -> Energy | None:
        """What all processes consumed, None if a part of it was not measured."""
        return self._sum if self._whole else None

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure until the context is left, whatever ends it; inside of another one, do nothing. Raises OSError."""
        if self._meter is not None:
            yield
            return
        if self._enabled and not self._whole:
            self._note("note: the energy is not recorded, because an earlier part of the work was not measured")
        before = self._sum
        meter = EnergyMeter(self._country, before=before, enabled=self._enabled and self._whole)
        try:
            with meter:
                self._meter, self._whole = meter, meter.measuring
                self._write()
                yield
        finally:
            self._meter = None
            self._sum = meter.result
            self._whole = self._whole and _longer(meter.result, before)
            self._write()

    def keep(self) -> None:
        """Write what was consumed until now, if the last time was long enough ago, so that a kill loses little."""
        if self._meter is not None and time.monotonic() - self._written >= self._every:
            self._sum = self._meter.so_far()
            self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        content = {"whole": self._whole, "energy": self._sum and dataclasses.asdict(self._sum)}
        write_json(self._path, content)


def _longer(after: Energy | None, before: Energy | None) -> bool:
    """Return whether something was measured: a meter that fails reports what came before."""
    return after is not None and (before is None or after.seconds > before.seconds)


def _read(path: Path) -> tuple[Energy | None, bool]:
    """Return the sum in the file at `path`, and whether it is that of all work; not so if it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        energy = content["energy"]
        return (None if energy is None else Energy(**energy)), content["whole"] is True
    except (OSError, ValueError, TypeError, KeyError):
        return None, False
