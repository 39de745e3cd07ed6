"""Read a JSON file of a model's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from resift.retrieval.errors import ModelError


def read_json(path: Path, name: str, default: Any) -> Any:  # noqa: ANN401 - JSON is anything
    """Return the content of the JSON file at `path`, or `default` if the file does not exist.

    `name` is the model's name in error messages. Raises ModelError if the file cannot be read as JSON.
    """
    if not path.is_file():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path.name} cannot be read as JSON ({error}); download it again", name) from error
