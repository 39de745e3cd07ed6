"""The addresses of the engine's nodes with their certificates, as the settings of a connection give them."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from resift.rerank.proxy.http.address import NodeAddress
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import SettingsError

_FORM = "expected http(s)://HOST:PORT, and more nodes after commas"


def read_nodes(text: str, settings: ConnectionSettings) -> list[NodeAddress]:
    """Return the nodes in `text`: `http(s)://HOST:PORT[,HOST:PORT…]`, or `http(s)://HOST:PORT/PREFIX/`.

    Raises SettingsError if it is not an address, or a certificate cannot be used.

    >>> [node.port for node in read_nodes("http://a,b:9201", ConnectionSettings())]
    [9200, 9201]
    """
    scheme, _, rest = text.strip().partition("://")
    rest, scheme = rest.replace(f",{scheme}://", ","), scheme.lower()
    authorities, slash, path = rest.partition("/")
    if scheme not in ("http", "https") or not authorities or "?" in text or "#" in text:
        raise SettingsError(f"{text!r} is not the address of an engine; {_FORM}", "to")
    if "://" in rest:
        raise SettingsError(f"{text!r} mixes http and https; give all nodes in the same way", "to")
    if "@" in authorities:
        message = "the address contains a user name or password; leave it out: each caller sends its own"
        raise SettingsError(message, "to")
    if path and not path.endswith("/"):
        index = path.rpartition("/")[2]
        message = f"{text!r} has a path; name {index} as an index that is reranked, or end a prefix of all paths with /"
        raise SettingsError(message, "to")
    if settings.fingerprint and scheme == "http":
        raise SettingsError("a fingerprint is only checked on https:// addresses", "fingerprint")
    if not re.fullmatch(r"[!-~]*", path):
        message = f"{text!r} has a path with other characters than ASCII, or a space; write them percent-encoded"
        raise SettingsError(message, "to")
    context = _context(settings) if scheme == "https" else None
    prefix = (slash + path).rstrip("/").encode()
    return [_node(one, scheme, prefix, context, settings, text) for one in authorities.split(",")]


def _node(
    authority: str,
    scheme: str,
    prefix: bytes,
    context: ssl.SSLContext | None,
    settings: ConnectionSettings,
    text: str,
) -> NodeAddress:
    try:
        parts = urlsplit(f"{scheme}://{authority}")
        port = parts.port if parts.port is not None else 443 if scheme == "https" else 9200
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError:  # also of a name that cannot be one
        raise SettingsError(f"{authority!r} in {text!r} is not a host and port; {_FORM}", "to") from None
    if not host or not port or re.search(r"\s", authority):
        raise SettingsError(f"{authority!r} in {text!r} is not a host and port; {_FORM}", "to")
    return NodeAddress(host, port, prefix, context, _digest(settings.fingerprint))


def _context(settings: ConnectionSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_certs)
        if settings.client_cert:
            context.load_cert_chain(settings.client_cert, settings.client_key, password="")
    except OSError as error:
        names = [name for name in (settings.ca_certs, settings.client_cert, settings.client_key) if name]
        missing = next((name for name in names if not Path(name).is_file()), None)
        shown = f"{missing} is not a file" if missing else f"{', '.join(names)}: {error.strerror or error}"
        raise SettingsError(f"a certificate for the engine cannot be used: {shown}; expected PEM", "ca_certs") from None
    if settings.fingerprint or not settings.verify_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _digest(fingerprint: str | None) -> bytes | None:
    if not fingerprint:
        return None
    try:
        digest = bytes.fromhex(fingerprint.replace(":", ""))
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise SettingsError(f"{fingerprint!r} is not a SHA-256 fingerprint of 64 hexadecimal digits", "fingerprint")
    return digest
