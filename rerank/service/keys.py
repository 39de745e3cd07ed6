"""The keys that let callers in: read from a file or the environment, compared in constant time, reloadable."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Iterable
from pathlib import Path

from resift.retrieval.errors import SettingsError

VARIABLE = "RESIFT_SERVICE_KEYS"
"""The environment variable that has the keys if no file is named, separated by commas."""

SHORTEST = 16
"""Characters of a key at least; shorter ones can be guessed."""

_LINE = re.compile(r"(?:(?P<name>[\w.-]+):)?(?P<key>[!#-&(-;=?-z|~]+)", re.ASCII)  # no quotes, braces or <>


class Keys:
    """Who may call: each key has a name, which is logged and counted in its place; the keys themselves are not kept."""

    def __init__(self, path: str | None) -> None:
        """Read the keys of the file `path`, or those of the environment. Raises SettingsError."""
        self.path = path
        self._names: dict[bytes, str] = {}
        self.reload()

    def __bool__(self) -> bool:
        return bool(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def reload(self) -> None:
        """Read the keys again; if they cannot be read, those from before stay. Raises SettingsError."""
        if self.path is None:
            self._names = _read(os.environ.get(VARIABLE, "").split(","), VARIABLE)
            return
        try:
            lines = Path(self.path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{self.path} cannot be read: {error}", "keys_file") from None
        found = _read(lines, self.path)
        if not found:
            raise SettingsError(f"{self.path} has no key; expected one NAME:KEY per line", "keys_file")
        self._names = found

    def name_of(self, authorization: str | None) -> str | None:
        """Return the name of the key in the header "Authorization: Bearer KEY", None if it is not one of these.

        All keys are compared, each in constant time, so that the time that it takes shows nothing.
        """
        scheme, _, given = (authorization or "").partition(" ")
        digest = _digest(given.strip()) if scheme.lower() == "bearer" else b""
        found = None
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found


def _read(lines: Iterable[str], source: str) -> dict[bytes, str]:
    """Return digest -> name of each key. Raises SettingsError, which never shows a key."""
    names: dict[bytes, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None or len(match["key"]) < SHORTEST:
            raise SettingsError(
                f"{source}, entry {number}: expected KEY or NAME:KEY, with a key of {SHORTEST} or more characters of "
                "ASCII without blanks, for example one from: openssl rand -hex 24",
                "keys_file",
            )
        names[_digest(match["key"])] = match["name"] or f"key-{number}"
    return names


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
