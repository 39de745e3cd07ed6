"""Record the results of a load in its checkpoint, and check meanwhile that the load may continue."""

from __future__ import annotations

import time
from collections.abc import Callable

from resift.indexer.engine.bulk import BulkResult, refusal_lines
from resift.indexer.engine.checkpoint import Checkpoint, CheckpointFile

_CHECKPOINT_EVERY = 0.25  # seconds
_CHECK_EVERY = 1.0  # seconds


class LoadRecorder:
    """The recorder of a load: the checkpoint counts only entries before which all others are done."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        files: CheckpointFile,
        progress: Callable[[int], None],
        check: Callable[[], None],
    ) -> None:
        """Continue from `checkpoint`, which is written to `files`.

        `progress` is called with the number of entries done. `check` is called about once a second; it raises an error
        if the load must stop.
        """
        self._checkpoint = checkpoint
        self._files = files
        self._progress = progress
        self._check = check
        self._written = self._checked = time.monotonic()

    def record(self, result: BulkResult) -> None:
        """Count a result, and list its refusals. Raises IndexingError."""
        self._files.append_refusals(refusal_lines(result.refusals), self._checkpoint)
        self._checkpoint.add(result.sent, result.created, len(result.refusals))
        self._progress(self._checkpoint.done)
        if time.monotonic() - self._written > _CHECKPOINT_EVERY:
            self._files.write(self._checkpoint)
            self._written = time.monotonic()
        if time.monotonic() - self._checked > _CHECK_EVERY:
            self._check()
            self._checked = time.monotonic()

    def save(self) -> None:
        """Write the checkpoint. Raises IndexingError."""
        self._files.write(self._checkpoint)
