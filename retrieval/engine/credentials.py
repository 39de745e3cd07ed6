"""Credentials for an engine, read from the environment, a file or the terminal; never shown."""

from __future__ import annotations

import os
import tomllib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from resift.retrieval.errors import SettingsError

_NAMES = ("username", "password", "api_key", "bearer_token")


@dataclass(frozen=True, slots=True)
class Credentials:
    """At most one way to authenticate: username and password, an API key, or a bearer token.

    Neither repr nor str shows a secret. Raises SettingsError if the values do not form one way.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    bearer_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raise SettingsError for more than one way, half of one, or a key that an HTTP header cannot hold."""
        ways = [bool(self.username or self.password), bool(self.api_key), bool(self.bearer_token)]
        if sum(ways) > 1:
            raise SettingsError(
                "more than one of username with password, api_key and bearer_token is set; expected one of them",
                "credentials",
            )
        if bool(self.username) != bool(self.password):
            have, lack = ("username", "password") if self.username else ("password", "username")
            raise SettingsError(f"{have} is set without {lack}; set RESIFT_{lack.upper()} as well", "credentials")
        for name in ("api_key", "bearer_token"):
            value = getattr(self, name) or ""
            if not (value.isascii() and value.isprintable()):
                message = f"the {name} contains characters that an HTTP header cannot hold; copy it again"
                raise SettingsError(message, "credentials")

    @property
    def headers(self) -> dict[str, str]:
        """The authentication header; empty without credentials.

        Source: RFC 7617 (Basic, in UTF-8), RFC 6750 (Bearer), Elasticsearch's "Token-based authentication" (ApiKey).
        """
        if self.username:
            return {"authorization": f"Basic {self._pair}"}
        if self.api_key:
            return {"authorization": f"ApiKey {self.api_key}"}
        return {"authorization": f"Bearer {self.bearer_token}"} if self.bearer_token else {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown, also as encoded in the header; the longest first."""
        found = [one for one in (self.password, self.api_key, self.bearer_token) if one]
        found += [self._pair] if self.password else []
        return tuple(sorted(found, key=len, reverse=True))  # a longer one may hold a shorter

    @property
    def _pair(self) -> str:
        return b64encode(f"{self.username}:{self.password}".encode()).decode()


def read_credentials(
    file: str | None = None,
    ask: Callable[[str], str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Credentials:
    """Return the credentials of the RESIFT_* variables, else those of a TOML `file`.

    A username from the environment is combined with the password of the file. `ask` maps a prompt to the password that
    the user types. Raises SettingsError if the file cannot be read, or if the values contradict each other.
    """
    found = {name: environment.get(f"RESIFT_{name.upper()}") for name in _NAMES}
    complete = found["api_key"] or found["bearer_token"] or (found["username"] and found["password"])
    if not complete and file is not None:
        found = {name: found[name] or value for name, value in _from_file(Path(file)).items()}
    if ask is not None:
        if not found["username"]:
            raise SettingsError(
                "a password is requested without a username; set RESIFT_USERNAME, or username in the credentials file",
                "username",
            )
        found["password"] = ask(f"Password of {found['username']}")
    return Credentials(**{name: value or None for name, value in found.items()})


def _from_file(path: Path) -> dict[str, str | None]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", "credentials") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SettingsError(
            f'{path} is not TOML; expected lines such as api_key = "..."', "credentials"
        ) from None  # the error's own text would quote the line
    unknown = sorted(values.keys() - set(_NAMES))
    if unknown:
        raise SettingsError(f"{path}: {unknown[0]!r} is not known; expected {', '.join(_NAMES)}", "credentials")
    wrong = next((name for name, value in values.items() if not isinstance(value, str)), None)
    if wrong is not None:
        raise SettingsError(f"{path}: {wrong} is not text; put it in quotes", "credentials")
    return {name: values.get(name) for name in _NAMES}
