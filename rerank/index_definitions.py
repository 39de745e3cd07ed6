"""Definitions of indices: for each name or pattern, what a document's text is and how its hits are reranked.

They are the tables `[index.NAME]` of the settings file, and the command line, the wrapper, the proxy and the service
use the same ones.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from resift.rerank.settings import RerankSettings
from resift.rerank.template import Template
from resift.retrieval.engine.address import read_address
from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion
from resift.retrieval.registry import embedded_path, is_engine

MODES = ("off", "shadow", "on")
"""What a proxy does with the searches of an index; "shadow" reranks, reports, and returns the engine's own order."""

_SETTINGS = {str(one.metadata.get("flag") or one.name): one.name for one in dataclasses.fields(RerankSettings)}
_OWN = ("fields", "mode")
_TYPES = {"str": str, "int": int, "float": float, "float | None": float, "bool": bool}
_EXPECTED = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """How the documents of one index, or of all that match a pattern, are read and reranked.

    `pattern`: the name of an index or alias, in which `*` is any text. `fields`: the fields that are searched and read,
    as `--field` takes them, with an optional boost; empty if they are chosen as without a definition. `mode`: whether a
    proxy reranks its searches. `settings`: the values that replace those of `RerankSettings`, by the names there.
    """

    pattern: str
    fields: tuple[str, ...] = ()
    mode: Literal["off", "shadow", "on"] = "on"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Return the hash of the pattern."""
        return hash(self.pattern)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields without their boosts."""
        return tuple(name.partition("^")[0] for name in self.fields)

    def applied_to(self, settings: RerankSettings) -> RerankSettings:
        """Return `settings` with those of this definition in place of theirs.

        >>> IndexDefinition("articles", settings={"html": "keep"}).applied_to(RerankSettings()).html
        'keep'
        """
        return dataclasses.replace(settings, **self.settings)

    def without(self, names: Collection[str]) -> IndexDefinition:
        """Return the definition without the settings `names`, those of `RerankSettings` that were given elsewhere.

        Without its fusion it has no weight either, since that was chosen for this fusion.
        """
        left_out = {*names, "fusion_weight"} if "fusion" in names else set(names)
        kept = {name: value for name, value in self.settings.items() if name not in left_out}
        return dataclasses.replace(self, settings=kept)

    def members(self) -> dict[str, Any]:
        """Return what a settings file has to say for this definition: the members of its table, by their names there.

        >>> IndexDefinition("articles", ("title", "body"), "off").members()
        {'fields': ['title', 'body'], 'mode': 'off'}
        """
        names = {name: flag for flag, name in _SETTINGS.items()}
        found: dict[str, Any] = {"fields": list(self.fields)} if self.fields else {}
        found |= {names[name]: value for name, value in self.settings.items()}
        return found | ({"mode": self.mode} if self.mode != "on" else {})

    def matches(self, name: str) -> bool:
        """Return whether the pattern matches the name of an index, in which a `*` is not special."""
        return _expression(self.pattern).fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class IndexDefinitions:
    """The definitions by their pattern.

    >>> found = IndexDefinitions.from_table({"news-*": {"window": 50}, "news-old": {"mode": "off"}})
    >>> found.of("news-2024").pattern, found.of("news-old").pattern, found.of("articles")
    ('news-*', 'news-old', None)
    """

    definitions: Mapping[str, IndexDefinition] = field(default_factory=dict)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> IndexDefinitions:
        """Return the definitions of the table "index" of a settings file: pattern -> members.

        Raises SettingsError with the key, such as index.articles.html, if a member is not known or has a value that
        cannot be used.
        """
        if not isinstance(table, Mapping):
            raise SettingsError(f"{table!r} is not a table; expected [index.NAME] with its members", "index")
        return cls({pattern: _definition(pattern, members) for pattern, members in table.items()})

    @classmethod
    def from_file(cls, path: str | Path) -> IndexDefinitions:
        """Return the definitions of a settings file, such as resift.toml; its other settings are not used.

        Raises SettingsError if the file cannot be read or is not TOML, or has a definition that cannot be used.
        """
        import tomllib

        try:
            table = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("index", {})
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path} cannot be read as TOML: {error}", "definitions") from None
        return cls.from_table(table)

    def of(self, name: str) -> IndexDefinition | None:
        """Return the definition of the index `name`: that of exactly this name, else of the longest matching pattern.

        Several names separated by commas have one only if it is the same for all; None if there is none.
        """
        names = [one.strip() for one in name.split(",") if one.strip()]
        found = {self._of_one(one) for one in names}
        return found.pop() if len(found) == 1 else None

    def differ(self, name: str) -> list[str]:
        """Return the patterns of the definitions that several indices have, if they are not the same for all.

        `name`: their names, separated by commas. Empty if `of` gives the definition of all of them, or none has one.
        """
        found = {self._of_one(one.strip()) for one in name.split(",") if one.strip()}
        return sorted(one.pattern for one in found if one is not None) if len(found) > 1 else []

    def without(self, names: Collection[str]) -> IndexDefinitions:
        """Return the definitions without the settings `names`, those of `RerankSettings` that were given elsewhere."""
        return IndexDefinitions({pattern: one.without(names) for pattern, one in self.definitions.items()})

    def __iter__(self) -> Iterator[IndexDefinition]:
        """Yield the definitions in the order of the file."""
        return iter(self.definitions.values())

    def __len__(self) -> int:
        """Return how many definitions there are."""
        return len(self.definitions)

    def _of_one(self, name: str) -> IndexDefinition | None:
        if name in self.definitions:
            return self.definitions[name]
        found = [one for one in self.definitions.values() if one.matches(name)]
        return max(found, key=lambda one: (len(one.pattern), one.pattern), default=None)


def index_name(url: str) -> str:
    """Return the name by which an index is defined: that in its address, or the name of its folder if it is embedded.

    Raises SettingsError if `url` does not name an index.

    >>> index_name("http://localhost:9200/articles"), index_name("bm25:data/help")
    ('articles', 'help')
    """
    if is_engine(url):
        return read_address(url).index
    return embedded_path(url).resolve().name


def _definition(pattern: str, members: object) -> IndexDefinition:
    """Return one definition. Raises SettingsError with its key."""
    key = f"index.{pattern}"
    if not isinstance(members, Mapping):
        raise SettingsError(f"{members!r} is not a table; expected [{key}] with its members", key)
    if not pattern.strip() or "," in pattern:
        raise SettingsError(f"{pattern!r} is not the name of one index or alias, or a pattern such as news-*", "index")
    given = {name.replace("-", "_"): value for name, value in members.items()}
    if len(given) < len(members):
        raise SettingsError(f"a member is given twice, with _ and with -: {', '.join(members)}; keep one", key)
    known = [*_OWN, *_SETTINGS]
    for name in given:
        if name not in known:
            near = suggestion(name, known) or f"; known are {', '.join(known)}"
            raise SettingsError(f"{name!r} is not a member of an index's definition{near}", key)
    mode = given.get("mode", "on")
    if mode is True or mode is False:  # a TOML file may say mode = true
        raise SettingsError(f'{str(mode).lower()} is not a mode; expected "off", "shadow" or "on"', f"{key}.mode")
    if mode not in MODES:
        raise SettingsError(f'{mode!r} is not a mode; expected "off", "shadow" or "on"', f"{key}.mode")
    settings = {_SETTINGS[name]: _checked(f"{key}.{name}", name, given[name]) for name in given if name not in _OWN}
    _try(key, settings)
    return IndexDefinition(pattern, _fields(f"{key}.fields", given.get("fields", ())), cast(Any, mode), settings)


def _checked(key: str, name: str, value: object) -> object:
    """Return the value of a setting. Raises SettingsError if it has another type."""
    kinds = {one.name: str(one.type) for one in dataclasses.fields(RerankSettings)}
    kind = _TYPES[kinds[_SETTINGS[name]]]
    if not (type(value) is kind or (kind is float and type(value) is int)):
        raise SettingsError(f"{value!r} has another type; expected {_EXPECTED[kind]}", key)
    return float(cast(float, value)) if kind is float else value


def _try(key: str, settings: Mapping[str, Any]) -> None:
    """Raise SettingsError with the key of the first setting that cannot be used."""
    for name, value in settings.items():
        try:
            made = RerankSettings(**{name: value})
            Template(made.template, made.html)
        except SettingsError as error:
            flag = next(flag for flag, known in _SETTINGS.items() if known == name)
            message = str(error).removeprefix(f"{error.field}: ")
            raise SettingsError(message, f"{key}.{flag}") from None


def _fields(key: str, value: object) -> tuple[str, ...]:
    """Return the fields, from a list or one text with commas. Raises SettingsError."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name.strip() for name in names):
        raise SettingsError(f'{value!r} is not a list of fields; expected for example ["title^3", "body"]', key)
    found = tuple(name.strip() for name in names)
    for name in found:
        if not re.fullmatch(r"[^\s^,]+(\^\d+(\.\d+)?|\^\.\d+)?", name):
            raise SettingsError(f"{name!r} is not a field with an optional boost; expected for example title^3", key)
    return found


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
