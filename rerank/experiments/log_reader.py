"""Read the logs of an experiment as a stream, also damaged and compressed ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resift.rerank.experiments.log import ShownSearch, from_json
from resift.retrieval.errors import CorpusError
from resift.retrieval.text import one_line
from resift.retrieval.text_lines import STANDARD_INPUT, unpacked_lines

_MOST_NAMED = 5  # bad lines of a file that are named
_TORN = "is not complete"


@dataclass(slots=True)
class LogProblems:
    """What could not be read of one file: how many lines, and the first ones, each with its number and its problem."""

    path: str
    lines: int = 0
    bad: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)
    incomplete: str = ""

    def add(self, line: int, problem: str) -> None:
        """Count a line that could not be read."""
        self.bad += 1
        if len(self.first) < _MOST_NAMED:
            self.first.append((line, one_line(problem)[:200]))

    def notes(self) -> Iterator[str]:
        """Yield a sentence for the bad lines and one for a file that ends too early."""
        if self.bad:
            named = "; ".join(f"line {line}: {problem}" for line, problem in self.first)
            more = " …" if self.bad > len(self.first) else ""
            yield f"{self.path}: {self.bad:,} of {self.lines:,} lines were left out ({named}{more})"
        if self.incomplete:
            yield f"{self.path}: {self.incomplete}"


def read_searches(path: str | Path, problems: LogProblems) -> Iterator[ShownSearch]:
    """Yield the searches of a log, plain or compressed with gzip, or standard input for "-".

    Bad lines and a torn end are counted in `problems`. Raises CorpusError if the file cannot be opened, or no line of
    it, or none of its first 1,000, is one of a log.
    """
    for number, values in read_objects(path, problems):
        try:
            search = from_json(values)
        except ValueError as error:
            problems.add(number, str(error))
            if problems.bad == number == 1_000:
                raise _not_a_log(path, problems) from None
            continue
        yield search
    torn_alone = problems.bad == 1 and problems.first[0][1] == _TORN  # a log that was just begun
    if 0 < problems.bad == problems.lines and not torn_alone and not problems.incomplete:
        raise _not_a_log(path, problems)


def _not_a_log(path: str | Path, problems: LogProblems) -> CorpusError:
    line, problem = problems.first[0]
    return CorpusError(f"is not a log of an experiment: {problem}", path, line)


def read_objects(path: str | Path, problems: LogProblems) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) of each line of JSON lines; what is not one is counted in `problems`.

    Raises CorpusError if the file cannot be opened.
    """
    lines = _lines(path)
    number = 0
    while True:
        try:
            line = next(lines, None)
        except CorpusError as error:
            if not number:
                raise
            problems.incomplete = f"the rest after line {number:,} cannot be read: {error}"
            return
        if line is None:
            return
        number += 1
        values = _object(line, number, problems)
        if values is not None:
            yield number, values


def _lines(path: str | Path) -> Iterator[bytes]:
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise CorpusError("standard input is closed; expected lines from it", path)
        yield from unpacked_lines(sys.stdin.buffer, path)
        return
    try:
        file = open(path, "rb")
    except (OSError, ValueError) as error:  # ValueError: the name has a NUL
        why = getattr(error, "strerror", None) or error
        raise CorpusError(f"cannot be read: {why}; expected a file of JSON lines", path) from None
    with file:
        yield from unpacked_lines(file, path)


def _object(line: bytes, number: int, problems: LogProblems) -> dict[str, Any] | None:
    if not line.strip():
        return None
    problems.lines += 1
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        torn = not line.endswith(b"\n")
        problems.add(number, _TORN if torn else "is not JSON")
        return None
    if isinstance(values, dict):
        return values
    problems.add(number, "is not a JSON object")
    return None
