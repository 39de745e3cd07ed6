"""Decode JSON: one object of a line, or the values of a text of which only a part is in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from resift.indexer.corpora.lines import LONGEST, Line
from resift.retrieval.errors import CorpusError

_KINDS = {"list": "array", "str": "string", "int": "number", "float": "number", "bool": "boolean", "NoneType": "null"}
_JSON = json.JSONDecoder(parse_constant=lambda name: None)  # NaN, which Python writes for a missing number
_BLANK = re.compile(r"[ \t\r\n]*")
_PIECE = 2**16  # characters that an incomplete text is extended by, at least
_LONGEST_ESCAPE = 16  # characters from the error to the end of a text that may only be incomplete
_EXPECTED = "expected one JSON object per line"


def parse_object(line: str) -> tuple[dict[str, Any], str]:
    """Return (the JSON object in `line`, ""), or ({}, the problem) if it is not one. NaN and infinity become None."""
    hint = "; one long array? write one object per line" if line.lstrip().startswith("[") else ""
    try:
        values = _JSON.decode(line)
    except json.JSONDecodeError as error:
        return {}, f"not JSON ({error.msg} at character {error.pos + 1}); {_EXPECTED}{hint}"
    except (RecursionError, ValueError) as error:
        return {}, f"{_limit(error)}; {_EXPECTED}"
    if not isinstance(values, dict):
        return {}, f"{json_type(values)}; {_EXPECTED}{hint}"
    return values, ""


def json_type(value: object) -> str:
    """Return the type of a JSON value in words.

    >>> json_type([1]), json_type(None)
    ('a JSON array', 'null')
    """
    kind = _KINDS.get(type(value).__name__, "object")
    return kind if kind == "null" else f"a JSON {kind}"


def _limit(error: RecursionError | ValueError) -> str:
    if isinstance(error, RecursionError):
        return "not JSON that can be read (nested too deep)"
    return "a number with too many digits, which must be in quotes"  # Python limits those of a whole number


class JsonText:
    """A JSON text that is read value by value, from lines; what was read is forgotten.

    `line` is the 1-based line of the next value. All methods raise CorpusError with `path` and the line.
    """

    def __init__(self, lines: Iterable[Line], path: str) -> None:
        """Read from `lines`; messages name `path`."""
        self._lines: Iterator[Line] = iter(lines)
        self._path = path
        self._text = ""
        self._place = 0
        self._problems: list[tuple[int, str]] = []
        self.line = 0

    def next_character(self) -> str:
        """Return the next character that is not blank, without reading it; "" at the end."""
        while True:
            end = _BLANK.match(self._text, self._place)
            self._forget(end.end() if end else self._place)
            if self._text:
                return self._text[0]
            if not self._extend():
                return ""

    def skip_character(self) -> None:
        """Read the character that `next_character` returned."""
        self._place += 1

    def value(self) -> tuple[Any, str]:
        """Read and return the next value, and the problem with its lines, "" if there is none.

        Raises CorpusError if it is not valid JSON.
        """
        while True:
            try:
                value, end = _JSON.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                if self._may_be_incomplete(error) and self._extend():
                    continue
                line = self.line + self._text.count("\n", 0, error.pos)
                raise CorpusError(f"not JSON ({error.msg}); expected an array of objects", self._path, line) from None
            except (RecursionError, ValueError) as error:
                raise CorpusError(
                    f"{_limit(error)}; expected an array of flat objects", self._path, self.line
                ) from None
            last = self.line + self._text.count("\n", 0, end)
            problem = next((problem for line, problem in self._problems if self.line <= line <= last), "")
            self._forget(end)
            return value, problem

    def _may_be_incomplete(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_ESCAPE

    def _forget(self, end: int) -> None:
        """Drop the text before `end`, in which there are no more values."""
        self.line += self._text.count("\n", 0, end)
        self._problems = [(line, problem) for line, problem in self._problems if line >= self.line]
        self._text, self._place = self._text[end:], 0

    def _extend(self) -> bool:
        """Add lines, as many characters as there are already; return False at the end."""
        if len(self._text) > LONGEST:
            message = f"one value is longer than {LONGEST:,} characters; write one object per line"
            raise CorpusError(message, self._path, self.line)
        parts, size, wanted = [self._text], 0, max(_PIECE, len(self._text))
        for number, text, problem in self._lines:
            self.line = self.line or number
            if problem:
                self._problems.append((number, problem))
            parts.append(f"{text}\n")
            size += len(text) + 1
            if size >= wanted:
                break
        self._text = "".join(parts)
        return size > 0
