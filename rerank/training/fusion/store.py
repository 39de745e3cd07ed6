"""Store a fitted fusion where every search finds it: in the model's folder, or in a TOML file of settings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.scorers.resift_file import update_resift_file
from resift.rerank.training.card import write_card
from resift.rerank.training.fusion.fitted import FittedFusion
from resift.rerank.training.record import read_record
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import ModelError, SettingsError


def store_in_model(folder: Path, fitted: FittedFusion, conditions: Mapping[str, object]) -> bool:
    """Write `fitted` into the resift.json of a model's folder, with the `conditions` under which it was fitted.

    A verdict of the gate on the model with another fusion is removed, since the gate judges both together; returns
    whether there was one. The card is written anew if the folder has the record of a training. Raises ModelError if the
    folder is not that of a model, or cannot be written.
    """
    before = read_folder(folder)
    outdated = "gate" in before.resift and before.fusion != fitted.fusion
    facts = {**conditions, "resift": version("resift")}
    parts: dict[str, Any] = {"fusion": fitted.as_fusion(facts), **({"gate": None} if outdated else {})}
    try:
        update_resift_file(folder, parts)
        if read_record(folder) is not None:
            write_card(folder)
    except OSError as error:
        raise ModelError(f"{error.filename or folder} cannot be written: {error.strerror}", str(folder)) from error
    return outdated


def toml_lines(fusion: OwnFusion) -> list[str]:
    """Return the lines of a TOML file of settings that choose this fusion.

    >>> toml_lines(OwnFusion("zscore", 0.8))
    ['fusion = "zscore"', 'fusion_weight = 0.8']
    """
    weight = [] if fusion.kind == "none" else [f"fusion_weight = {fusion.weight!r}"]
    return [f'fusion = "{fusion.kind}"', *weight]


def store_in_settings(path: Path, fusion: OwnFusion) -> None:
    """Set `fusion` and `fusion_weight` in a TOML file of settings; every other line stays. The file may not exist yet.

    Raises SettingsError, and leaves the file as it is, if it is not TOML, or cannot be read or written, or if its form
    does not allow it, as if one of the two stood in a text of several lines.
    """
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        old = tomllib.loads(before)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}", "config") from error
    lines = [line for line in before.splitlines(keepends=True) if not _SETTING.match(line)]
    wanted = [f"{line}\n" for line in toml_lines(fusion)]
    place = next((number for number, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    if place and not lines[place - 1].endswith("\n"):
        lines[place - 1] += "\n"
    text = "".join([*lines[:place], *wanted, *lines[place:]])
    if not _holds(text, {**_others(old), **tomllib.loads("".join(wanted))}):
        message = (
            f"{path} has a form in which it cannot be changed safely; write into it: {', '.join(toml_lines(fusion))}"
        )
        raise SettingsError(message, "config")
    try:
        write_file(path, [text])
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}", "config") from error


_SETTING = re.compile(r"""\s*["']?fusion([_-]weight)?["']?\s*=""")


def _others(values: Mapping[str, Any]) -> dict[str, Any]:
    own = ("fusion", "fusion_weight", "fusion-weight")
    return {name: value for name, value in values.items() if name not in own}


def _holds(text: str, expected: Mapping[str, Any]) -> bool:
    """Return whether `text` is TOML with these values and no others."""
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False
