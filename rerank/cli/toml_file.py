"""Find and read the TOML file of settings and of definitions of indices, and check its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from resift.rerank.cli.settings_table import separators, setting_types
from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion

if TYPE_CHECKING:
    from resift.rerank.index_definitions import IndexDefinitions

LOCAL_FILE = "resift.toml"

DEFINITIONS = "index"
"""The table of a settings file that has the definitions of indices."""

_META = "resift.index_definitions"  # key in the metadata of Click's context, which subcommands share
_GIVEN = "resift.settings_file"  # another one: the file that the user named


def config_path(given: str | None) -> Path | None:
    """Return the file to read: `given`, else ./resift.toml, else the user's config.toml; None if there is no file.

    Raises SettingsError if `given` does not exist.
    """
    if given is not None:
        if not Path(given).is_file():
            raise SettingsError(f"{given} does not exist; expected a TOML file of settings", "config")
        return Path(given)
    user = Path(click.get_app_dir("resift")) / "config.toml"
    return next((path for path in (Path(LOCAL_FILE), user) if path.is_file()), None)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a TOML file has: the values of settings by name, and the definitions of indices, its tables [index.NAME]."""

    values: Mapping[str, Any] = field(default_factory=dict)
    definitions: Mapping[str, Any] = field(default_factory=dict)


def read_settings_file(given: str | None) -> SettingsFile:
    """Return what the TOML file that is used has, checked; nothing if there is no file.

    Raises SettingsError on a file that cannot be read, is not TOML, or contains a name or a value that is not known.
    """
    path = config_path(given)
    if path is None:
        return SettingsFile()
    import tomllib

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}", "config") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}", "config") from None
    definitions = values.pop(DEFINITIONS, {})
    _check_definitions(path, definitions)
    settings: dict[str, Any] = {}
    for name, value in values.items():
        known = name.replace("-", "_")
        if known in settings:
            dashed = known.replace("_", "-")
            raise SettingsError(f"{path} has both {known} and {dashed}, which are one setting; keep one", "config")
        settings[known] = _checked(path, name, value)
    return SettingsFile(settings, definitions)


def use_settings_file(context: click.Context, given: str | None, commands: Iterable[str] = ()) -> None:
    """Let the settings of a file replace the defaults of `context`, those of `commands` if it is that of a group.

    The definitions of indices are kept for `index_definitions`. Raises SettingsError as `read_settings_file` does.
    """
    found = read_settings_file(given)
    context.default_map = dict.fromkeys(commands, found.values) if commands else dict(found.values)
    context.meta[_META] = found.definitions
    context.meta[_GIVEN] = given


def read_definitions_again(context: click.Context) -> None:
    """Read the definitions of indices again, from the file that the command line used. Raises SettingsError."""
    context.meta[_META] = read_settings_file(context.meta.get(_GIVEN)).definitions


def index_definitions(context: click.Context) -> IndexDefinitions:
    """Return the definitions of indices in the file that the command line uses."""
    from resift.rerank.index_definitions import IndexDefinitions

    return IndexDefinitions.from_table(context.meta.get(_META, {}))


def _check_definitions(path: Path, table: object) -> None:
    """Raise SettingsError, with the file, if a definition of an index cannot be used."""
    if table == {}:
        return
    from resift.rerank.index_definitions import IndexDefinitions

    try:
        IndexDefinitions.from_table(cast(Mapping[str, Any], table))
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}", "config") from None


def _checked(path: Path, name: str, value: object) -> object:
    """Return a value of the file as its option takes it. Raises SettingsError on an unknown name or another type."""
    types = setting_types()
    kind = types.get(name.replace("-", "_"))
    if kind is None:
        near = suggestion(name, types) or f"; known are {', '.join(sorted(types))}"
        raise SettingsError(f"{path}: {name!r} is not a setting{near}", "config")
    if kind is str and isinstance(value, list) and all(isinstance(member, str) for member in value):
        return separators()[name.replace("-", "_")].join(value)
    fits = type(value) is kind or (kind is float and type(value) is int)
    if not fits:
        expected = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}[kind]
        raise SettingsError(f"{path}: {name} is {value!r}; expected {expected}", "config")
    return value
