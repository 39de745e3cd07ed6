"""Measure the energy and the CO2 of a training with codecarbon; whatever goes wrong with it, the training continues."""

from __future__ import annotations

import inspect
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from resift.rerank.training.record import Energy

PATIENCE = 60.0
"""Seconds that codecarbon may take to start or to stop; after that the training goes on without a measurement."""

_COUNTERS = frozenset({"intel_rapl", "intel_power_gadget"})
"""Sources of a processor's power that are counters of the hardware; the others are estimates by its load."""

_LOGGER = logging.getLogger("codecarbon")


class EnergyMeter:
    """Measures the whole machine from entering the context to leaving it.

    `result` is what was consumed, None if nothing could be measured: codecarbon is not installed, or failed.
    No network is used: codecarbon's offline tracker has the carbon intensity of countries in a table of its own.

    >>> with EnergyMeter(country="DEU", enabled=False) as meter:
    ...     pass
    >>> meter.result is None
    True
    """

    result: Energy | None = None

    def __init__(self, country: str | None = None, before: Energy | None = None, enabled: bool = True) -> None:
        """Assume the electricity of `country`, an ISO 3166 code of 3 letters; the world's average if it is not known.

        `before` is what an interrupted training had consumed when it was resumed; it is added. Nothing is measured
        unless `enabled`.
        """
        self._country, self._before, self._enabled = (country or "").strip().upper(), before, enabled
        self._tracker: Any = None

    def __enter__(self) -> EnergyMeter:
        """Begin to measure; it takes codecarbon a few seconds to find out what the machine has."""
        if self._enabled:
            self._tracker = _patiently(lambda: _started(self._country))
        self.result = self._before
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop measuring, and set `result`."""
        if self._tracker is None:
            return
        tracker, self._tracker = self._tracker, None
        self.result = self._total(_patiently(lambda: _stopped(tracker)))

    @property
    def measuring(self) -> bool:
        """True inside of the context, if codecarbon measures."""
        return self._tracker is not None

    def so_far(self) -> Energy | None:
        """Return what was consumed until now, for a checkpoint; what came before if nothing is measured."""
        if self._tracker is None:
            return self.result
        return self._total(_patiently(lambda: _read(self._tracker)))

    def _total(self, consumed: Energy | None) -> Energy | None:
        before = self._before
        if consumed is None or before is None:
            return consumed or before
        return Energy(
            kwh=before.kwh + consumed.kwh,
            kg_co2=before.kg_co2 + consumed.kg_co2,
            seconds=before.seconds + consumed.seconds,
            tool=consumed.tool,
            country=consumed.country,
            cpu=consumed.cpu,
            gpu=consumed.gpu,
            ram_gb=consumed.ram_gb,
            on_cloud=consumed.on_cloud,
            measured=before.measured and consumed.measured,
        )


def known_country(code: str) -> bool:
    """Return whether codecarbon knows the electricity of a country, by its ISO 3166 code of 3 letters."""
    try:
        import codecarbon.input

        source: Any = codecarbon.input.DataSource
        return code in source().get_global_energy_mix_data()
    except Exception:
        return False


def _patiently(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - codecarbon is not typed
    """Return the result of `work`, or None if it fails or takes longer than `PATIENCE`: a driver can hang."""
    found: list[Any] = []

    def run() -> None:
        with suppress(Exception), _quiet():
            found.append(work())

    thread = threading.Thread(target=run, name="resift-energy", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return found[0] if found else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep codecarbon's messages and warnings from the user of a training."""
    before, _LOGGER.disabled = _LOGGER.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _LOGGER.disabled = before


def _started(country: str) -> Any:  # noqa: ANN401 - codecarbon is not typed
    """Return a tracker that measures, None if it does not."""
    from codecarbon import OfflineEmissionsTracker
    from codecarbon.emissions_tracker import BaseEmissionsTracker

    parameters = inspect.signature(BaseEmissionsTracker.__init__).parameters
    nowhere: dict[str, Any] = {"output_methods": []}  # no file, no server, whatever the user's configuration says
    if "output_methods" not in parameters:  # codecarbon 2
        nowhere = {"save_to_file": False, "save_to_api": False, "save_to_logger": False}
    tracker = OfflineEmissionsTracker(
        country_iso_code=country if known_country(country) else "",
        allow_multiple_runs=True,
        tracking_mode="machine",
        log_level="critical",
        **nowhere,
    )
    tracker.start()
    return tracker if getattr(tracker, "_start_time", None) is not None else None


def _stopped(tracker: Any) -> Energy | None:  # noqa: ANN401 - codecarbon is not typed
    tracker.stop()
    return _energy(tracker, tracker.final_emissions_data)


def _read(tracker: Any) -> Energy | None:  # noqa: ANN401 - codecarbon is not typed
    tracker.flush()
    return _energy(tracker, tracker._prepare_emissions_data())


def _energy(tracker: Any, data: Any) -> Energy:  # noqa: ANN401 - codecarbon is not typed
    modes = {getattr(part, "_mode", None) for part in getattr(tracker, "_hardware", ())} - {None}
    return Energy(
        kwh=float(data.energy_consumed),
        kg_co2=float(data.emissions),
        seconds=float(data.duration),
        tool=f"codecarbon {data.codecarbon_version}",
        country=str(data.country_iso_code or ""),
        cpu=str(data.cpu_model or ""),
        gpu=str(data.gpu_model or ""),
        ram_gb=float(data.ram_total_size or 0.0),
        on_cloud=str(data.on_cloud) == "Y",
        measured=bool(modes) and modes <= _COUNTERS,
    )
