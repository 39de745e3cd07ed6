"""The record of a training as a JSON file in the model's folder."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resift.rerank.training.record.run import (
    Column,
    Energy,
    Evaluation,
    LogRow,
    ModelFacts,
    Origin,
    RunRecord,
    Source,
)
from resift.retrieval.errors import ModelError
from resift.retrieval.json_output import write_json

RECORD = "training.json"
"""The file in a model's folder."""

FORMAT = "resift-training-1"
"""The value of "format" in the file; other programs, too, write files of this name."""


def write_record(folder: Path, record: RunRecord) -> Path:
    """Write `record` into a model's folder, atomically, and return the path. Raises OSError.

    Values that JSON does not have are written as texts, and numbers that are not finite as null.
    """
    content = {"format": FORMAT, **_plain(dataclasses.asdict(record))}
    return write_json(folder / RECORD, content)


def read_record(folder: Path) -> RunRecord | None:
    """Return the record in a model's folder, None if it has none that resift wrote.

    Raises ModelError if the file is damaged.
    """
    path = folder / RECORD
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{RECORD} cannot be read as JSON ({error}); restore it, or train again", folder) from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        return None
    try:
        return _record(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{RECORD} is not a record of a training ({error}); restore it", folder) from error


def _record(content: dict[str, Any]) -> RunRecord:
    """Return the record with its parts as objects. Raises TypeError if a part is missing or not known."""
    base, energy = content.pop("base", None), content.pop("energy", None)
    return RunRecord(
        model=ModelFacts(**_tuples(content.pop("model"), "languages")),
        base=None if base is None else Origin(**base),
        teachers=tuple(Origin(**one) for one in content.pop("teachers", ())),
        training=tuple(map(_source, content.pop("training", ()))),
        evaluation=tuple(map(_source, content.pop("evaluation", ()))),
        log=tuple(LogRow(**row) for row in content.pop("log", ())),
        evaluations=tuple(Evaluation(**one) for one in content.pop("evaluations", ())),
        energy=None if energy is None else Energy(**energy),
        **_tuples(content, "limits"),
    )


def _source(content: dict[str, Any]) -> Source:
    columns = tuple(Column(**column) for column in content.pop("columns", ()))
    return Source(columns=columns, **_tuples(content, "samples"))


def _tuples(content: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return `content` with the lists `names` as tuples."""
    return {name: tuple(value) if name in names else value for name, value in content.items()}


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON is anything
    """Return `value` as JSON: a tuple is a list, a number that is not finite is null, other objects are texts."""
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member) for member in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)
