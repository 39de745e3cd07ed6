"""What the programs of this folder share: what they are given, errors as JSON, examples, and their output."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any


def read_given() -> SimpleNamespace:
    """Return what the test gives: `url`, `key`, `query`, `documents`, `examples`, and more."""
    return SimpleNamespace(**json.load(sys.stdin))


def attempt(call: Callable[[], Any]) -> Any:
    """Return what `call` returns, or the error that it raises, as an object."""
    try:
        return call()
    except Exception as error:
        status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
        wait = (getattr(error, "headers", None) or {}).get("retry-after")
        kind = type(error).__name__
        return {"raised": kind, "status": status and int(status), "retry_after": wait, "message": str(error)}


def write(replies: dict[str, Any], examples: Iterable[str]) -> None:
    """Write the program's output: `replies`, and what `examples` of the page print."""
    json.dump({**replies, "examples": [attempt(partial(_printed, source)) for source in examples]}, sys.stdout)


def _printed(source: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(source, {"__name__": "__main__"})
    return output.getvalue().strip()
