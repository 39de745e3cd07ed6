"""The file that records what was attached: names, ids and previous settings, and never a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import SettingsError

_MEMBER = "attachments"


class RecordFile:
    """A JSON file with one entry for each engine and name; it exists while it has entries."""

    def __init__(self, path: str) -> None:
        """Read the file at `path`, if it exists. Raises SettingsError if it is not such a file."""
        self.path = Path(path)
        self._entries: dict[str, Any] = {}
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))[_MEMBER]
            self._entries = {str(name): dict(entry) for name, entry in found.items()}
        except FileNotFoundError:
            return
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}", "record") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            message = f"{path} is not a record of `resift attach`; name another file"
            raise SettingsError(message, "record") from None

    def get(self, url: str, name: str) -> Mapping[str, Any]:
        """Return the entry of an attachment; {} if there is none."""
        found: Mapping[str, Any] = self._entries.get(_key(url, name), {})
        return found

    def services(self) -> frozenset[str]:
        """Return the addresses of the services that were attached."""
        return frozenset(str(entry["service"]) for entry in self._entries.values() if entry.get("service"))

    def put(self, url: str, name: str, facts: Mapping[str, Any]) -> None:
        """Write `facts` into the entry of an attachment, beside those that it has. Raises OSError."""
        changed = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = self.get(url, name)
        self._entries[_key(url, name)] = {"engine": url, "name": name, **known, **facts, "changed": changed}
        self._write()

    def remove(self, url: str, name: str) -> None:
        """Remove the entry of an attachment, and the file with the last one. Raises OSError."""
        if self._entries.pop(_key(url, name), None) is not None:
            self._write()

    def _write(self) -> None:
        if not self._entries:
            self.path.unlink(missing_ok=True)
            return
        write_file(self.path, [json.dumps({_MEMBER: self._entries}, indent=2, ensure_ascii=False), "\n"])


def _key(url: str, name: str) -> str:
    return f"{url} {name}"
