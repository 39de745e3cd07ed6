"""`setting` declares one field of a settings class; each stage has one frozen dataclass of settings.

Click options, environment variables, TOML keys and the documentation derive from these fields, so that a
default is written only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TypeVar

T = TypeVar("T")


def setting(
    default: T,
    text: str,
    *,
    choices: Sequence[str] = (),
    flag: str | None = None,
    repeatable: bool = False,
    separator: str = ",",
) -> T:
    """Declare a dataclass field with its default, its one-line help `text` and the `choices` it allows.

    `flag` is the name of the command-line option if it differs from the field's name (`--window` for
    rank_window_size); the environment variable and the TOML key use the flag's name too. A `repeatable` option can
    be given several times; the field holds all values, separated by `separator`, a comma or a line break.
    """
    value: T = field(
        default=default,
        metadata={
            "help": text,
            "choices": tuple(choices),
            "flag": flag,
            "repeatable": repeatable,
            "separator": separator,
        },
    )
    return value
