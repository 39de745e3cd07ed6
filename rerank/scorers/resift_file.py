"""Read and update resift.json, which a model's folder has for resift alone: its fusion, its proof, its verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resift.retrieval.errors import ModelError
from resift.retrieval.json_output import write_json

RESIFT_FILE = "resift.json"
"""The name of the file; its members are "fusion", "proof", "export", "gate", "dev" and "template"."""


def update_resift_file(folder: Path, parts: Mapping[str, Any]) -> None:
    """Set the members `parts` of the resift.json of a model's folder; all others stay. A value of None removes one.

    The file is written atomically. Raises ModelError if the file that is there is not a JSON object, or if it cannot
    be written, and ValueError if a number is not finite.
    """
    path = folder / RESIFT_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if not isinstance(content, dict):
            raise ValueError(f"a JSON {type(content).__name__}")
    except (OSError, ValueError, RecursionError) as error:
        message = f"{RESIFT_FILE} is not a JSON object ({error}); delete or correct it"
        raise ModelError(message, str(folder)) from error
    merged = {name: value for name, value in {**content, **parts}.items() if value is not None}
    try:
        write_json(path, merged)
    except OSError as error:
        raise ModelError(f"{RESIFT_FILE} cannot be written: {error.strerror}", str(folder)) from error
