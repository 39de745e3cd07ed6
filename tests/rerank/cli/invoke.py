"""Run a command line in this process, as a user would, and look at what it prints and returns."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from resift.rerank.cli.main import run


@dataclass(frozen=True, slots=True)
class Done:
    """Exit code, standard output and standard error of a command line."""

    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The last line of standard error."""
        return self.err.rstrip("\n").rsplit("\n", 1)[-1]


def invoke(*arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
    """Run `resift ARGUMENTS` without the RESIFT_* variables and the width of this machine."""
    out, err = Stream(), Stream()
    with _environment(env or {}), _stdin(stdin), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    return Done(code, out.text(), err.text())


class Stream(io.TextIOWrapper):
    """A text stream over bytes, like the standard streams, that is not a terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="strict", newline="\n")

    def text(self) -> str:
        """What was written so far."""
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8")


@contextlib.contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in before:
        if name.startswith("RESIFT_") or name == "COLUMNS":  # pytest-xdist sets COLUMNS
            del os.environ[name]
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _stdin(content: bytes) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin = before


def assert_one_line(done: Done, code: int, *parts: str) -> None:
    """Assert that the command failed with `code`, one last line that contains all `parts`, and no traceback."""
    assert done.code == code, done.err
    assert done.error_line.startswith("resift: error: ")
    for part in parts:
        assert part in done.error_line
    assert "Traceback" not in done.err
    assert "defect" not in done.err
