"""How long work, an evaluation or a training, is shown while it goes on, without knowing the command line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class ShowProgress(Protocol):
    """Starts showing the progress of one piece of work."""

    def __call__(self, label: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]:
        """Return a context whose value is called with the number of items done so far, of `total` if it is known."""
        ...


def silent(label: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]:
    """Show nothing: the value of the context may be called all the same."""
    return nullcontext(lambda done: None)
