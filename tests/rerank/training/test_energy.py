"""The energy of a training: measured without a network, added over resumed runs, and never in the way."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from resift.rerank.cli.energy import energy_options
from resift.rerank.training.energy import EnergyMeter, known_country
from resift.rerank.training.record import Energy


def test_energy_is_measured_without_a_network_and_without_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object) -> NoReturn:
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODECARBON_SAVE_TO_API", "true")  # what a user's own configuration may say
    before = Energy(kwh=1.0, kg_co2=0.5, seconds=100.0)
    with EnergyMeter(country="deu", before=before) as meter:
        sum(range(10**6))
    found = meter.result
    assert found is not None
    assert 1.0 < found.kwh < 1.1 and 0.5 < found.kg_co2 < 0.6 and 100.0 < found.seconds < 200.0
    assert (found.country, found.tool.split()[0]) == ("DEU", "codecarbon")
    assert found.cpu and found.ram_gb > 0
    assert list(tmp_path.iterdir()) == []
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_without_codecarbon_nothing_is_measured_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with EnergyMeter() as meter:
        assert meter.so_far() is None
    assert meter.result is None


def test_an_error_of_the_training_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt), EnergyMeter(enabled=False):
        raise KeyboardInterrupt


def test_only_codes_of_countries_are_known() -> None:
    assert known_country("FRA") and not known_country("XYZ")


@pytest.mark.parametrize(("given", "code"), [("DEU", 0), ("deu", 0), ("DE", 2), ("Germany", 2)])
def test_a_country_is_named_by_three_letters(given: str, code: int) -> None:
    @click.command()
    @energy_options
    def train(energy: bool, country: str | None) -> None:
        click.echo(f"{energy} {country}")

    result = CliRunner().invoke(train, ["--country", given])
    assert result.exit_code == code
    assert (f"True {given}" if code == 0 else "expected three letters, such as DEU") in result.output
