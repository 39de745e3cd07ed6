"""Where an index is: `http(s)://HOST[:PORT][,HOST…][/PREFIX]/INDEX`, or `cloud:INDEX`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from resift.retrieval.errors import SettingsError

_FORM = "expected http(s)://HOST:PORT/INDEX"
_BAD_IN_INDEX = re.compile(r'[\\/?"<>|#\s]')


@dataclass(frozen=True, slots=True)
class Address:
    """The engine's `hosts` (empty for the cloud) and the `index`: a name, an alias, a pattern, or several with commas.

    `path` is the index as a part of a URL.
    """

    hosts: tuple[str, ...]
    index: str

    @property
    def path(self) -> str:
        """The index quoted for a URL."""
        return "/" + quote(self.index, safe=",*-_.:")

    def __str__(self) -> str:
        """Return the address as it is shown in messages; it holds no secret."""
        return f"{','.join(self.hosts)}/{self.index}" if self.hosts else f"cloud:{self.index}"


def read_address(text: str, *, index_needed: bool = True) -> Address:
    """Return the address that `text` names; the index may be left out where none is needed. Raises SettingsError.

    >>> read_address("http://a:9200,b:9200/logs-*").hosts
    ('http://a:9200', 'http://b:9200')
    """
    if text.startswith("cloud:"):
        return Address((), _index(text.removeprefix("cloud:"), text))
    scheme, _, rest = text.partition("://")
    rest = rest.replace(f",{scheme}://", ",")  # the scheme may stand before each host
    authority, _, path = rest.partition("/")
    if "@" in authority:
        raise SettingsError(
            "a name or password in the address would be seen by others; set RESIFT_USERNAME and RESIFT_PASSWORD, "
            "or --credentials FILE",
            "index",
        )
    if scheme not in ("http", "https") or not authority:
        raise SettingsError(f"{text!r} is no address; {_FORM}", "index")
    if not path.strip("/") and not index_needed:
        return Address(tuple(_host(scheme, one, "", text) for one in authority.split(",")), "")
    prefix, _, index = path.rstrip("/").rpartition("/")
    hosts = tuple(_host(scheme, one, prefix, text) for one in authority.split(","))
    return Address(hosts, _index(unquote(index), text))


def _host(scheme: str, authority: str, prefix: str, text: str) -> str:
    try:
        parts = urlsplit(f"{scheme}://{authority}")
        port = parts.port or (443 if scheme == "https" else 9200)
    except ValueError:
        raise SettingsError(f"{authority!r} in {text!r} is no host and port; {_FORM}", "index") from None
    if not parts.hostname or re.search(r"[\s?#]", authority):
        raise SettingsError(f"{authority!r} in {text!r} is no host and port; {_FORM}", "index")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{host}:{port}" + (f"/{prefix}" if prefix else "")


def _index(name: str, text: str) -> str:
    if not name:
        raise SettingsError(f"{text!r} names no index; {_FORM}", "index")
    found = _BAD_IN_INDEX.search(name)
    if found:
        raise SettingsError(f"the index {name!r} has {found.group()!r}, which no index's name holds", "index")
    return name
