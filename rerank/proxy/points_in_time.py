"""Which indices a point in time was opened for: noted when it is opened, else read from its id."""

from __future__ import annotations

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

_MOST = 100_000
_UUID = re.compile(rb"\x16(?P<uuid>[A-Za-z0-9_-]{22})")
_NAME = re.compile(rb"[!$%&'()+\-.0-9;=@\[\]^_`a-z{}~\x80-\xff]+\Z")  # as the engines allow
_LONGEST_NAME = 255  # bytes
_LONGEST_ID = 256 << 10  # characters, of an index with some 1,800 shards


class PointsInTime:
    """Remembers the indices of points in time by their ids."""

    def __init__(self) -> None:
        """Begin without any."""
        self._known: OrderedDict[str, str] = OrderedDict()

    def note(self, index: str, response: object) -> None:
        """Note the response to a request that opened a point in time for `index`."""
        if isinstance(response, Mapping):
            found = response.get("id") or response.get("pit_id")
            if isinstance(found, str):
                self._known[found] = index
                if len(self._known) > _MOST:
                    self._known.popitem(last=False)

    def index(self, request: Mapping[str, Any]) -> str:
        """Return the indices, with commas, of the point in time that a search names; "" if it names none."""
        pit = request.get("pit")
        found = pit.get("id") if isinstance(pit, Mapping) else None
        if not isinstance(found, str):
            return ""
        return self._known.get(found) or ",".join(sorted(names_in(found)))


def names_in(pit_id: str) -> set[str]:
    """Return the names of the indices in the id of a point in time, as Elasticsearch and OpenSearch write it.

    The id is URL-safe Base64 of their wire format, in which each shard has the name of its index and then the 22
    characters of a UUID (class Index, method writeTo), each with the number of its characters before it (class
    StreamOutput, methods writeString and writeVInt). An id of another form has none.
    """
    try:
        raw = base64.urlsafe_b64decode(pit_id + "=" * (-len(pit_id) % 4)) if len(pit_id) <= _LONGEST_ID else b""
    except (binascii.Error, ValueError):
        return set()
    ends = {match["uuid"]: match.start() for match in reversed([*_UUID.finditer(raw)])}
    return {name for end in ends.values() if (name := _name_before(raw, end)) is not None}


def _name_before(raw: bytes, end: int) -> str | None:
    """Return the name of an index that ends at `end`, None if there is not one.

    Of several readings it is the longest, since the end of a name can look like a shorter one with its length.
    """
    found = _NAME.search(raw[max(0, end - _LONGEST_NAME) : end])
    for start in range(end - len(found[0]), end) if found else ():
        length = _length_before(raw, start)
        if not 0 < length <= end - start:
            continue
        name = raw[start:end].decode(errors="ignore")
        units = len(name.encode("utf-16-le")) // 2
        if units == length and len(name.encode()) == end - start and name == name.lower():
            return name
    return None


def _length_before(raw: bytes, start: int) -> int:
    """Return the number before `start`, written in seven bits per byte, the lowest first, in at most two bytes."""
    if start < 1 or raw[start - 1] > 127:
        return 0
    more = start > 1 and raw[start - 2] > 127
    return (raw[start - 2] & 127) + (raw[start - 1] << 7) if more else raw[start - 1]
