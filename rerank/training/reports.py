"""How a training reports to whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resift.rerank.show_progress import ShowProgress, silent
from resift.rerank.training.record import LogRow


@dataclass(frozen=True, slots=True)
class Reports:
    """How a training or a distillation reports; by default it says nothing.

    `note` takes a line, `progress` shows work, `row` takes each evaluated row of a training's log, and `ask` asks for a
    password.
    """

    note: Callable[[str], None] = lambda line: None
    progress: ShowProgress = silent
    row: Callable[[LogRow], None] = lambda row: None
    ask: Callable[[str], str] | None = None
