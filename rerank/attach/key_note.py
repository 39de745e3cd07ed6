"""A note of the service's key that does not reveal it, by which a later run notices another key."""

from __future__ import annotations

import hashlib
import re
import secrets

_FORM = re.compile(r"\(key ([0-9a-f]+)-([0-9a-f]+)\)")


def key_note(key: str) -> str:
    """Return a note of `key` in brackets: a salted, slow hash, from which the key cannot be read.

    Source: scrypt, RFC 7914.

    >>> key_note("")
    '(no key)'
    """
    if not key:
        return "(no key)"
    salt = secrets.token_hex(8)
    return f"(key {salt}-{_digest(key, salt)})"


def has_key(text: str, key: str) -> bool:
    """Return True if the note in `text` is of `key`.

    >>> has_key(key_note("abc"), "abc"), has_key(key_note("abc"), "abd"), has_key(key_note("abc"), "")
    (True, False, False)
    """
    found = _FORM.search(text)
    if found is None or not key:
        return found is None and not key
    return secrets.compare_digest(found[2], _digest(key, found[1]))


def _digest(key: str, salt: str) -> str:
    return hashlib.scrypt(key.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=12).hex()
