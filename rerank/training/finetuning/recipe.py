"""Recipes: a training as a TOML file, with its data, its base, its dev sets and its settings."""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resift.rerank.settings import RerankSettings, SearchSettings
from resift.rerank.template import Template
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.finetuning.sources import DataSource
from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion

_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list of texts"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a recipe says; None and empty values leave the defaults.

    `settings` are those of `TrainSettings` by name, and `template`, `html` and `depth` as in a search. `held_out_name`
    is the name of the held-out part of the data, `dev` are the sets that evaluate beside it, or alone if `settings`
    hold nothing out.
    """

    name: str
    data: tuple[DataSource, ...] = ()
    base: str | None = None
    dev: tuple[str, ...] = ()
    title: str = ""
    languages: tuple[str, ...] = ()
    licence: str = ""
    held_out_name: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def train_settings(self) -> TrainSettings:
        """Return the settings of the training, with the defaults of the others. Raises SettingsError."""
        return TrainSettings(**{name: value for name, value in self.settings.items() if name not in _READING})

    @property
    def reading(self) -> dict[str, Any]:
        """The settings of what is read, for a `TrainRequest`, by name: template, html and depth if they are given."""
        return {name: value for name, value in self.settings.items() if name in _READING}


_READING = {"template": str, "html": str, "depth": int}
_TOP = {"title": str, "base": str, "dev": list, "languages": list, "licence": str, "held_out_name": str}
_SOURCE = {"source": str, "split": str, "first": int, "licence": str, "attribution": str}


def read_recipe(path: str | Path) -> Recipe:
    """Return the recipe in a TOML file.

    Its keys are title, base, dev, languages, licence and held_out_name, the tables [[data]] with
    source, split, first, licence and attribution, and the table [settings]. Raises SettingsError, with the name of the
    key, on a file that cannot be read, and on a key or value that is not known.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}", "recipe") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}", "recipe") from None
    tables = {"data": content.pop("data", []), "settings": content.pop("settings", {})}
    values = _checked(file, "", content, _TOP, ("data", "settings"))
    if not isinstance(tables["data"], list) or not isinstance(tables["settings"], dict):
        raise SettingsError(f"{file}: expected the tables [[data]] and [settings]", "recipe")
    types = {name: _plain(kind) for name, kind in typing.get_type_hints(TrainSettings).items()} | _READING
    plain: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in values.items()}
    recipe = Recipe(
        name=file.stem,
        data=tuple(_source(file, one) for one in tables["data"]),
        settings=_checked(file, "settings.", tables["settings"], types),
        **plain,
    )
    _check_values(recipe)
    return recipe


def _check_values(recipe: Recipe) -> None:
    """Raise SettingsError if a setting of the recipe cannot be used."""
    recipe.train_settings()
    reading = recipe.reading
    if "depth" in reading:
        SearchSettings(reading.pop("depth"))
    read = RerankSettings(**reading)
    Template(read.template, read.html)


def _source(file: Path, content: object) -> DataSource:
    if not isinstance(content, dict) or "source" not in content:
        raise SettingsError(
            f"{file}: a table [[data]] has no source; expected a file, a folder or hub:ORG/NAME", "recipe"
        )
    values = _checked(file, "data.", content, _SOURCE)
    if not values["source"].startswith("hub:") and not Path(values["source"]).is_absolute():
        values["source"] = str(file.parent / values["source"])  # a recipe lies beside its data
    return DataSource(**values)


def _checked(
    file: Path, where: str, content: Mapping[str, Any], types: Mapping[str, type[Any]], others: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the values of a table, whole numbers as float where a number is expected. Raises SettingsError."""
    found = {}
    for name, value in content.items():
        kind = types.get(name)
        if kind is None:
            near = suggestion(name, [*types, *others]) or f"; known are {', '.join([*types, *others])}"
            raise SettingsError(f"{file}: {where}{name} is not a key of a recipe{near}", "recipe")
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits or (kind is list and not all(isinstance(one, str) for one in value)):
            raise SettingsError(f"{file}: {where}{name} is {value!r}; expected {_KINDS[kind]}", "recipe")
        found[name] = float(value) if kind is float else value
    return found


def _plain(kind: Any) -> type[Any]:  # noqa: ANN401
    """Return the type of a setting, without None."""
    members = [one for one in typing.get_args(kind) if one is not type(None)] or [kind]
    plain: type[Any] = members[0]
    return plain
