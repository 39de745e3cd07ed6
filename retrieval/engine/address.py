"""The address of an index: `http(s)://HOST[:PORT][,HOST…][/PREFIX]/INDEX`, or `cloud:INDEX`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from resift.retrieval.errors import SettingsError

_FORM = "expected http(s)://HOST:PORT/INDEX"
_BAD_IN_INDEX = re.compile(r'[\\/?"<>|#\s]')


@dataclass(frozen=True, slots=True)
class Address:
    """An engine and an index in it.

    `hosts`: base URLs of the engine's nodes, empty for Elastic Cloud. `index`: a name, an alias, a pattern, or several
    of them, comma-separated.
    """

    hosts: tuple[str, ...]
    index: str

    @property
    def path(self) -> str:
        """The index as the path of a URL, quoted."""
        return "/" + quote(self.index, safe=",*-_.:")

    def __str__(self) -> str:
        """Return the address as shown in messages; it does not contain a secret."""
        return f"{','.join(self.hosts)}/{self.index}" if self.hosts else f"cloud:{self.index}"


def read_address(text: str, *, index_needed: bool = True) -> Address:
    """Parse an address; with `index_needed=False` the index may be missing. Raises SettingsError.

    >>> read_address("http://a:9200,b:9200/logs-*").hosts
    ('http://a:9200', 'http://b:9200')
    """
    if text.startswith("cloud:"):
        return Address((), _index(text.removeprefix("cloud:"), text))
    scheme, _, rest = text.partition("://")
    rest = rest.replace(f",{scheme}://", ",")  # the scheme may be repeated before each host
    authority, _, path = rest.partition("/")
    if "@" in authority:
        raise SettingsError(
            "the address contains a user name or password, which others could see; set RESIFT_USERNAME and "
            "RESIFT_PASSWORD, or use `credentials` FILE",
            "index",
        )
    if scheme not in ("http", "https") or not authority:
        raise SettingsError(f"{text!r} is not an address; {_FORM}", "index")
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
        raise SettingsError(f"{authority!r} in {text!r} is not a host and port; {_FORM}", "index") from None
    if not parts.hostname or re.search(r"[\s?#]", authority):
        raise SettingsError(f"{authority!r} in {text!r} is not a host and port; {_FORM}", "index")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{host}:{port}" + (f"/{prefix}" if prefix else "")


def _index(name: str, text: str) -> str:
    if not name:
        raise SettingsError(f"{text!r} does not name an index; {_FORM}", "index")
    found = _BAD_IN_INDEX.search(name)
    if found:
        message = f"the index name {name!r} contains {found.group()!r}, which engines do not allow; {_FORM}"
        raise SettingsError(message, "index")
    return name
