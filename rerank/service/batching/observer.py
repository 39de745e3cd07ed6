"""What the batcher reports of its work, to whoever counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """One batch: its pairs, their tokens without and with padding, the seconds it took, and how many jobs it mixed."""

    pairs: int
    tokens: int
    padded_tokens: int
    seconds: float
    jobs: int


class Observer(Protocol):
    """Counts what happens to jobs and batches; called by any thread."""

    def batch(self, facts: BatchFacts) -> None:
        """Count a scored batch."""
        ...

    def out_of_memory(self) -> None:
        """Count a batch that did not fit into memory."""
        ...

    def moved_to_cpu(self) -> None:
        """Count a model that left a device that failed, for the CPU."""
        ...


class NoObserver:
    """Counts nothing."""

    def batch(self, facts: BatchFacts) -> None:
        """Do nothing."""

    def out_of_memory(self) -> None:
        """Do nothing."""

    def moved_to_cpu(self) -> None:
        """Do nothing."""
