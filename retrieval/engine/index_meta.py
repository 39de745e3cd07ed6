"""What resift has stored in the mapping of an index that it made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def resift_meta(index: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entry of resift in the `_meta` of an index, as GET /INDEX reports the index; empty if there is none.

    >>> resift_meta({"mappings": {"_meta": {"resift": {"load": "7f3a"}}}}), resift_meta({"mappings": {}})
    ({'load': '7f3a'}, {})
    """
    found = ((index.get("mappings") or {}).get("_meta") or {}).get("resift")
    return found if isinstance(found, dict) else {}
