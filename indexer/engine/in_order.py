"""Several bulk requests under way at once, settled in the order of their documents."""

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


class Flight:
    """Sends entries, a few requests at once; the checkpoint only ever counts what came before without a gap."""

    def __init__(
        self,
        sender: Sender,
        checkpoint: Checkpoint,
        files: CheckpointFile,
        settings: LoadSettings,
        progress: Callable[[int], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Go on from `checkpoint`, which is kept in `files`; `progress` is told how many entries are done.

        `check` is called now and then, and raises where the load must stop.
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
        """Send all entries, those behind the checkpoint's. Raises IndexingError, and what `entries` raise.

        Whatever goes wrong, what has come to its end is counted and the checkpoint written.
        """
        settings, waiting = self._settings, self._waiting
        most_bytes = int(settings.bulk_megabytes * 1e6)
        try:
            with ThreadPoolExecutor(settings.workers) as pool, self._sender:
                for chunk in chunks(entries, settings.bulk_documents, most_bytes):
                    while any(chunk.shares_an_id(other) for _, other in waiting):
                        self._settle()  # so that the first of two documents of one id comes first
                    waiting.append((pool.submit(self._sender.send, chunk), chunk))
                    while len(waiting) > settings.workers + 1 or (waiting and waiting[0][0].done()):
                        self._settle()
                while waiting:
                    self._settle()
        finally:
            while waiting and waiting[0][0].done() and not waiting[0][0].exception():
                self._settle()
            self._files.write(self._checkpoint)

    def _settle(self) -> None:
        """Wait for the oldest request and count what became of its documents."""
        outcome = self._waiting[0][0].result()
        self._waiting.popleft()
        self._files.append_refusals(refusal_lines(outcome.refusals), self._checkpoint)
        self._checkpoint.add(outcome.sent, outcome.created, len(outcome.refusals))
        self._progress(self._checkpoint.done)
        if time.monotonic() - self._written > _CHECKPOINT_EVERY:
            self._files.write(self._checkpoint)
            self._written = time.monotonic()
        if time.monotonic() - self._checked > _CHECK_EVERY:
            self._check()
            self._checked = time.monotonic()
