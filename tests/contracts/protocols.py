"""Compares a class with a protocol, member by member."""

from __future__ import annotations

import importlib
import inspect
from typing import Any


def load_class(target: str) -> Any:
    """Return the class that a row of a registry names: "module:Class"."""
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)


def differences(found: type, protocol: type) -> list[str]:
    """Return one line for each public member of `protocol` that `found` lacks or declares otherwise."""
    lines = []
    for name, wanted in vars(protocol).items():
        if name.startswith("_"):
            continue
        own = getattr(found, name, None)
        if own is None:
            lines.append(f"{name} is missing")
        elif isinstance(wanted, property) != isinstance(own, property):
            lines.append(f"{name} is a property in one of the two only")
        elif not isinstance(wanted, property) and not _takes_the_same(own, wanted):
            lines.append(f"{name} takes {inspect.signature(own)}; expected {inspect.signature(wanted)}")
    return lines


def _takes_the_same(own: Any, wanted: Any) -> bool:
    """Return True if both have the same parameters; `own` may have more of them with a default."""
    given, expected = (list(inspect.signature(each).parameters.values()) for each in (own, wanted))
    same = [(one.name, one.kind) for one in given[: len(expected)]] == [(one.name, one.kind) for one in expected]
    return same and all(one.default is not one.empty for one in given[len(expected) :])
