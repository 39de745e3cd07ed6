"""Send several bulk requests concurrently, and record their results in the order of the documents."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from resift.indexer.engine.bulk import BulkResult, Sender
from resift.indexer.engine.chunk import CREATE, Chunk, chunks
from resift.indexer.engine.settings import LoadSettings
from resift.retrieval.types import Document


class Recorder(Protocol):
    """Keeps the results of requests, in the order of the documents."""

    def record(self, result: BulkResult) -> None:
        """Keep one result. Raises IndexingError if the load must stop."""
        ...

    def save(self) -> None:
        """Write down what was recorded; called at the end, also after an error."""
        ...


class InOrderSender:
    """Sends entries in concurrent requests; the recorder gets a result only once all earlier ones are recorded."""

    def __init__(self, sender: Sender, recorder: Recorder, settings: LoadSettings, action: str = CREATE) -> None:
        """Send with `sender`; `action` is CREATE, INDEX or DELETE."""
        self._sender = sender
        self._recorder = recorder
        self._settings = settings
        self._action = action
        self._waiting: deque[tuple[Future[BulkResult], Chunk]] = deque()

    def send(self, entries: Iterable[Document]) -> None:
        """Send the entries. Raises IndexingError, and what `entries` raise.

        Also on an error, finished requests are recorded and the recorder is saved.
        """
        settings, waiting = self._settings, self._waiting
        max_bytes = int(settings.bulk_megabytes * 1e6)
        try:
            with ThreadPoolExecutor(settings.workers) as pool, self._sender:
                for chunk in chunks(entries, settings.bulk_documents, max_bytes, self._action):
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
            self._recorder.save()

    def _record_oldest(self) -> None:
        """Wait for the oldest request and record the result of its documents."""
        result = self._waiting[0][0].result()
        self._waiting.popleft()
        self._recorder.record(result)
