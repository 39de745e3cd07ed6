"""Write a JSON file atomically."""

from __future__ import annotations

import json
from pathlib import Path

from resift.retrieval.atomic_file import write_file


def write_json(path: Path, content: object, indent: int = 2, finite: bool = True) -> Path:
    """Write `content` as JSON to the file at `path`, `indent` blanks for each level, and return the path.

    An existing file is replaced once the new one is complete. Raises OSError if it cannot be written, TypeError for a
    value that JSON does not have, and, if `finite`, ValueError for a number that is not; else Python's "NaN" and
    "Infinity" are written, which other programs may not read.
    """
    write_file(path, [json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=not finite) + "\n"])
    return path
