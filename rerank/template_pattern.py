"""Parse the pattern of a template into its parts: texts, fields in braces, and groups in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from resift.retrieval.errors import SettingsError

_NAME = re.compile(r'[^\s\d{}\[\]!:|"][^\s{}\[\]!:|"]*')
_DEFAULT = re.compile(r'"([^"]*)"')
_BUDGET = re.compile(r"0*[1-9]\d{0,6}")
_SPECIAL = re.compile(r"[{}\[\]]")
_FORMS = '{title}, {title:32}, {summary|text} or {author|"unknown"}'


@dataclass(frozen=True, slots=True)
class Field:
    """One pair of braces: the first of `names` that has text is put there, else `default`.

    `tokens`: how many tokens of the field's text are kept at most, None for all.
    """

    names: tuple[str, ...]
    default: str = ""
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One pair of brackets: its parts are left out if all its fields are empty."""

    parts: tuple[str | Field, ...]


Part = str | Field | Group
"""A part of a pattern: a text that stands as it is, a field, or a group."""


@lru_cache(maxsize=256)
def parse_pattern(pattern: str) -> tuple[Part, ...]:
    """Return the parts of `pattern`, in order; two texts do not follow each other.

    Raises SettingsError, with the character and what was expected there, if the pattern is malformed.

    >>> parse_pattern("{title:32}: [[{text}]]")
    (Field(names=('title',), default='', tokens=32), ': [', Field(names=('text',), default='', tokens=None), ']')
    """
    return _Parser(pattern).parse()


def fields_of(parts: tuple[Part, ...]) -> Iterator[Field]:
    """Yield the fields in `parts`, those in groups too, in order."""
    for part in parts:
        if isinstance(part, Field):
            yield part
        elif isinstance(part, Group):
            yield from fields_of(part.parts)


class _Parser:
    """Reads a pattern from its start to its end; `place` is the next character, from 0."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.place = pattern, 0

    def parse(self) -> tuple[Part, ...]:
        """Return the parts. Raises SettingsError."""
        parts: list[Part] = []
        while self.place < len(self.pattern):
            if self._at("[") and not self._at("[["):
                parts.append(self._group())
            else:
                self._simple(parts)
        return tuple(parts)

    def _simple(self, parts: list[Part] | list[str | Field]) -> None:
        """Read one text or one field, and add it to `parts`. Raises SettingsError on anything else."""
        character = self.pattern[self.place]
        if character == "{" and not self._at("{{"):
            parts.append(self._field())
            return
        found = _SPECIAL.search(self.pattern, self.place)
        end = len(self.pattern) if found is None else found.start()
        if end == self.place:  # a doubled brace or bracket
            if not self._at(2 * character):
                raise self._error(f"{character!r} ends nothing; write {2 * character} for the character itself")
            end, text = self.place + 2, character
        else:
            text = self.pattern[self.place : end]
        self.place = end
        if parts and isinstance(parts[-1], str):
            parts[-1] += text
        else:
            parts.append(text)

    def _group(self) -> Group:
        """Return the group that begins here. Raises SettingsError."""
        start = self.place
        self.place += 1
        parts: list[str | Field] = []
        while not self._at("]") or self._at("]]"):
            if self.place >= len(self.pattern):
                raise self._error("the bracket is not closed; expected ], or [[ for the character itself", start)
            if self._at("[") and not self._at("[["):
                raise self._error("a group is inside another one; close the first one before, or write [[")
            self._simple(parts)
        self.place += 1
        if not any(isinstance(part, Field) for part in parts):
            raise self._error("a group needs a field; write [[ and ]] for the brackets themselves", start)
        return Group(tuple(parts))

    def _field(self) -> Field:
        """Return the field that begins here. Raises SettingsError."""
        start = self.place
        self.place += 1
        names, default = [self._name()], ""
        while self._at("|"):
            self.place += 1
            if self._at('"'):
                default = self._default()
                break
            names.append(self._name())
        tokens = None
        if self._at(":"):
            self.place += 1
            tokens = int(self._match(_BUDGET, "a number of tokens from 1, as in {title:32}"))
        if self.place >= len(self.pattern):
            raise self._error("the brace is not closed; expected }, or {{ for the character itself", start)
        if not self._at("}"):
            wanted = "}" if tokens is not None else "} or :" if default else "}, | or :"
            raise self._error(f"{self.pattern[self.place]!r} is not expected here; expected {wanted}, as in {_FORMS}")
        self.place += 1
        return Field(tuple(names), default, tokens)

    def _name(self) -> str:
        return self._match(_NAME, f"a field name, as in {_FORMS}")

    def _default(self) -> str:
        """Return the quoted text that begins here. Raises SettingsError if it is empty or not closed."""
        text = self._match(_DEFAULT, 'a text in quotes, as in {author|"unknown"}')[1:-1]
        if not text.strip():
            raise self._error("the text in quotes is empty; leave it out, since a missing field is empty anyway")
        return text

    def _match(self, expression: re.Pattern[str], expected: str) -> str:
        """Return what `expression` matches here, and move behind it. Raises SettingsError if it does not match."""
        found = expression.match(self.pattern, self.place)
        if found is None:
            given = repr(self.pattern[self.place]) if self.place < len(self.pattern) else "the end of the pattern"
            raise self._error(f"{given} is not expected here; expected {expected}")
        self.place = found.end()
        return found.group()

    def _at(self, text: str) -> bool:
        return self.pattern.startswith(text, self.place)

    def _error(self, message: str, place: int | None = None) -> SettingsError:
        at = self.place if place is None else place
        return SettingsError(f"{self.pattern!r}, character {at + 1}: {message}", "template")
