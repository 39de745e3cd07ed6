"""Turn the values of a record into JSON, as the client of an engine would send them.

A date or a time is written as ISO 8601, with `T` and its offset; a duration as an ISO 8601 duration; bytes as base64,
which an engine's field of the type binary takes; a decimal as a number.
"""

from __future__ import annotations

import base64
import datetime
import math
import uuid
from collections.abc import Mapping
from decimal import Decimal

from resift.retrieval.text import clean

_DEPTH = 100  # nested lists and objects, at most; far below Python's recursion limit


def json_value(value: object, depth: int = 0) -> object:
    """Return `value` with JSON types only; None for what JSON does not have: NaN, infinity, a missing time.

    Raises ValueError if it is nested more than 100 deep.

    >>> json_value({"at": datetime.date(2024, 5, 1), "price": Decimal("1.50"), "for": datetime.timedelta(hours=36)})
    {'at': '2024-05-01', 'price': 1.5, 'for': 'P1DT12H'}
    """
    if depth > _DEPTH:
        raise ValueError(f"nested more than {_DEPTH} deep; expected a flat record")
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | Decimal):
        return _finite(float(value))
    if isinstance(value, Mapping):
        return {clean(str(name)): json_value(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(member, depth + 1) for member in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    return _of_other_type(value, depth)


def _of_other_type(value: object, depth: int) -> object:
    """Return a value of the types that only Parquet and other libraries have, as a text if its type is not known."""
    if isinstance(value, datetime.timedelta):
        return duration(value)
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date
        text = value.isoformat()
        return None if text == "NaT" else text
    if isinstance(value, uuid.UUID):
        return str(value)
    to_python = getattr(value, "tolist", None)  # of NumPy, for its numbers and arrays
    if callable(to_python):
        return json_value(to_python(), depth + 1)
    text = str(value)
    return None if text in ("NaT", "<NA>") else clean(text)


def duration(value: datetime.timedelta) -> str:
    """Return a duration as ISO 8601 writes it, in days, hours, minutes and seconds.

    >>> duration(datetime.timedelta(days=1, minutes=2, microseconds=1500)), duration(-datetime.timedelta(seconds=5))
    ('P1DT2M0.0015S', '-PT5S')
    """
    nanoseconds = int(getattr(value, "nanoseconds", 0))  # of pandas' subclass, in addition to the microseconds
    total = (value.days * 86_400 + value.seconds) * 10**9 + value.microseconds * 1000 + nanoseconds
    minutes, rest = divmod(abs(total), 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    seconds, fraction = divmod(rest, 10**9)
    decimals = f".{fraction:09}".rstrip("0") if fraction else ""
    parts = [(hours, f"{hours}H"), (minutes, f"{minutes}M"), (rest, f"{seconds}{decimals}S")]
    time = "".join(text for number, text in parts if number)
    date = f"{days}D" if days else ""
    return f"{'-' if total < 0 else ''}P{date}{f'T{time}' if time else ''}" if total else "PT0S"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
