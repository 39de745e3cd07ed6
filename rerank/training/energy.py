"""Measure the energy and the CO2 of a training with codecarbon; whatever goes wrong with it, the training goes on."""

from __future__ import annotations

from types import TracebackType

from resift.rerank.training.record import Energy


class EnergyMeter:
    """Measures from entering the context to leaving it; `result` is None if nothing could be measured.

    No network is used: the electricity is that of a country given in settings, or a world average.
    """

    result: Energy | None = None

    def __init__(self, country: str | None = None, before: Energy | None = None) -> None:
        """Assume the electricity of `country` (ISO 3166, 3 letters); add to `before`, that of a run that was resumed."""
        self._country, self._before = country, before

    def __enter__(self) -> EnergyMeter:
        """Begin to measure."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and set `result`."""
        raise NotImplementedError

    def so_far(self) -> Energy | None:
        """Return what was consumed until now, for a checkpoint; None if nothing is measured."""
        raise NotImplementedError
