"""The key that is sent to a server: read from the environment, sent to one host, never shown."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from resift.retrieval.errors import SettingsError

VARIABLE = "RESIFT_MODEL_API_KEY"
"""The variable that has the key of any server."""

VENDOR_VARIABLES = {
    "api.cohere.com": ("CO_API_KEY", "COHERE_API_KEY"),
    "api.cohere.ai": ("CO_API_KEY", "COHERE_API_KEY"),
    "api.jina.ai": ("JINA_API_KEY",),
    "api.voyageai.com": ("VOYAGE_API_KEY",),
}
"""Host of a vendor -> the variables in which its own clients look for the key, which is sent to no other host."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the `source` that it came from, a variable; the `value` is "" if there is none.

    Neither repr nor str shows the key. Raises SettingsError if an HTTP header cannot hold it.
    """

    value: str = field(repr=False)
    source: str

    def __post_init__(self) -> None:
        """Raise SettingsError for a key that an HTTP header cannot hold."""
        if not (self.value.isascii() and self.value.isprintable()) or " " in self.value:
            raise SettingsError("contains characters that an HTTP header cannot hold; copy the key again", self.source)

    @property
    def headers(self) -> dict[str, str]:
        """The authentication header; empty without a key. Source: RFC 6750, section 2.1 (Bearer)."""
        return {"authorization": f"Bearer {self.value}"} if self.value else {}

    def hide(self, text: str) -> str:
        """Return `text` without the key.

        >>> Key("abc-123", "X").hide("the key abc-123 is not known")
        'the key … is not known'
        """
        for shown in (self.value, json.dumps(self.value)[1:-1]):
            text = text.replace(shown, "…") if shown else text
        return text


def find_key(host: str, environment: Mapping[str, str] = os.environ) -> Key:
    """Return the key for `host`: that of the vendor's own variable if it is a vendor's host, else that of `VARIABLE`.

    Where there is none, the key is empty and its source names the variables that were looked at.
    Raises SettingsError for a key that an HTTP header cannot hold.
    """
    names = (*VENDOR_VARIABLES.get(host, ()), VARIABLE)
    for name in names:
        value = environment.get(name, "").strip()
        if value:
            return Key(value, name)
    return Key("", " or ".join(names))
