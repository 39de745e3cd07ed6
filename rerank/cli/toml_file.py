"""Find and read the TOML file of settings, and check its values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from resift.rerank.cli.settings_table import separators, setting_types
from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion

LOCAL_FILE = "resift.toml"


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


def default_map(given: str | None) -> dict[str, Any]:
    """Return the settings of the TOML file that is used, by name; empty if there is no file.

    Raises SettingsError on a file that cannot be read, is not TOML, or contains a name that is not a setting.
    """
    path = config_path(given)
    if path is None:
        return {}
    import tomllib

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}", "config") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}", "config") from None
    settings: dict[str, Any] = {}
    for name, value in values.items():
        known = name.replace("-", "_")
        if known in settings:
            dashed = known.replace("_", "-")
            raise SettingsError(f"{path} has both {known} and {dashed}, which are one setting; keep one", "config")
        settings[known] = _checked(path, name, value)
    return settings


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
