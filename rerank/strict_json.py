"""JSON as the standard has it: NaN and Infinity, which Python accepts, are refused."""

from __future__ import annotations

import json


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


STRICT_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
"""Decodes text that is valid JSON. Raises ValueError for any other, and RecursionError if it is nested too deep."""
