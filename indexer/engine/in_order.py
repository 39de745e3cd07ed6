"""Send several bulk requests concurrently, and record their results in the order of the documents."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from resift.indexer.engine.bulk import BulkResult, Chunk, Sender, chunks, refusal_lines
from resift.indexer.engine.checkpoint import Checkpoint, CheckpointFile
from resift.indexer.engine.settings import LoadSettings
from resift.retrieval.types import Document

_CHECKPOINT_EVERY = 0.25  # seconds
_CHECK_EVERY = 1.0  # seconds


class InOrderSender:
    """Sends entries in concurrent requests; the checkpoint counts only entries before which all others are done."""

    def __init__(
        self,
        sender: Sender,
        checkpoint: Checkpoint,
        files: CheckpointFile,
        settings: LoadSettings,
        progress: Callable[[int], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Continue from `checkpoint`, which is written to `files`.

        `progress` is called with the number of entries done. `check` is called about once a second; it raises an error
        if the load must stop.
        """
        self._sender = sender
        self._checkpoint = checkpoint
        self._files = files
        self._settings = settings
        self._progress = progress
        self._waiting: deque[tuple[Future[BulkResult], Chunk]] = deque()
        self._check = check
        self._written = self._checked = time.monotonic()

    def send(self, entries: Iterable[Document]) -> None:
        """Send the entries after those that the checkpoint counts. Raises IndexingError, and what `entries` raise.

        Also on an error, finished requests are recorded and the checkpoint is written.
        """
        settings, waiting = self._settings, self._waiting
        max_bytes = int(settings.bulk_megabytes * 1e6)
        try:
            with ThreadPoolExecutor(settings.workers) as pool, self._sender:
                for chunk in chunks(entries, settings.bulk_documents, max_bytes):
                    while any(chunk.shares_an_id(other) for _, other in waiting):
                        self._record_oldest()  # of two documents with the same id, the first must arrive first
                    waiting.append((pool.submit(self._sender.send, chunk), chunk))
                    while len(waiting) > settings.workers + 1 or (waiting and waiting[0][0].done()):
                        self._record_oldest()
                while waiting:
                    self._record_oldest()
        finally:
            while waiting and waiting[0][0].done() and not waiting[0][0].exception():
                self._record_oldest()
            self._files.write(self._checkpoint)

    def _record_oldest(self) -> None:
        """Wait for the oldest request and record the result of its documents."""
        result = self._waiting[0][0].result()
        self._waiting.popleft()
        self._files.append_refusals(refusal_lines(result.refusals), self._checkpoint)
        self._checkpoint.add(result.sent, result.created, len(result.refusals))
        self._progress(self._checkpoint.done)
        if time.monotonic() - self._written > _CHECKPOINT_EVERY:
            self._files.write(self._checkpoint)
            self._written = time.monotonic()
        if time.monotonic() - self._checked > _CHECK_EVERY:
            self._check()
            self._checked = time.monotonic()
