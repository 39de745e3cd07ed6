"""What an index records about its origin: the version of resift, the time, and the name of the source."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_FACTS = re.compile(r"(.*), \d+ (?:bytes, \d+|files [0-9a-f]+)", re.DOTALL)


def resift_version() -> str:
    """Return the version of the installed package, "unknown" if it is not installed."""
    try:
        return version("resift")
    except PackageNotFoundError:
        return "unknown"


def time_now() -> str:
    """Return the time in UTC to the second, in the form of ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def source_name(source: str) -> str:
    """Return the name of a source, given by its name or its fingerprint: of a path the last part, without the folders.

    >>> source_name("data/articles.csv, 120 bytes, 1764393020000000000"), source_name("nanobeir:nfcorpus")
    ('articles.csv', 'nanobeir:nfcorpus')
    """
    found = _FACTS.fullmatch(source)
    return Path(found[1]).name if found else source
