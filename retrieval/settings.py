"""How a stage declares its settings: one frozen dataclass beside its code, one `setting` a field.

Click options, environment variables, TOML keys and the documentation derive from these fields, so that a
default is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TypeVar

T = TypeVar("T")


def setting(
    default: T, text: str, *, choices: Sequence[str] = (), flag: str | None = None, repeatable: bool = False
) -> T:
    """Declare a dataclass field with its default, its one-line help `text` and what it may hold.

    `flag` is the command-line option's name where it is not the field's own (`--window` for
    `rank_window_size`); the environment variable and the TOML key follow the flag. A `repeatable` option can be
    given several times; the field holds all of it, with commas.
    """
    value: T = field(
        default=default,
        metadata={"help": text, "choices": tuple(choices), "flag": flag, "repeatable": repeatable},
    )
    return value
