"""Facts that every kind of training records: the shape of its model, and the versions of the libraries."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def shape_of(config: Any) -> str:  # noqa: ANN401 - transformers is untyped
    """Return the shape of the encoder that a configuration of transformers describes; "" if it names no layers.

    >>> from types import SimpleNamespace
    >>> shape_of(SimpleNamespace(num_hidden_layers=2, hidden_size=128, num_attention_heads=2))
    '2 layers, 128 wide, 2 heads'
    """
    parts = [getattr(config, name, None) for name in ("num_hidden_layers", "hidden_size", "num_attention_heads")]
    return f"{parts[0]} layers, {parts[1]} wide, {parts[2]} heads" if all(parts) else ""


def versions_of(libraries: Sequence[str]) -> dict[str, str]:
    """Return the version of Python, of resift, and of those `libraries` that are installed, by name."""
    found = {"Python": platform.python_version()}
    for name in ("resift", *libraries):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
