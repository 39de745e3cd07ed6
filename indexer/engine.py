"""Load a collection into Elasticsearch or OpenSearch: all of it, or a list of what was refused; one can go on later."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from indexer.alias import check_alias, index_name, swap
from indexer.bulk import Chunk, Outcome, Sender, chunks, refusal_lines
from indexer.checkpoint import Checkpoint, CheckpointFile
from indexer.mapping import index_body
from indexer.passages import split_documents
from indexer.settings_load import LoadSettings
from retrieval.address import Address
from retrieval.client import Engine
from retrieval.errors import IndexingError, StatusError
from retrieval.settings_bm25 import Bm25Settings
from retrieval.types import Document

_CHECKPOINT_EVERY = 0.25  # seconds
_SLOW = 300.0  # seconds that creating, refreshing and counting may take


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did. `documents`: how many the engine counts at the end. `refused`: how many it did not take.

    `replaced`: documents whose id had come before. `refusals`: the file that lists the refused ones, "" without any.
    """

    index: str
    documents: int
    refused: int
    replaced: int
    seconds: float
    resumed_at: int = 0
    refusals: str = ""


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What to do with what is there already. `source` names the documents, so that a resumed load reads the same."""

    source: str
    overwrite: bool = False
    resume: bool = False
    alias: str | None = None
    keep: int = 1
    state: Path = Path(".resift")


class Loader:
    """Loads documents into one index."""

    def __init__(self, engine: Engine, address: Address, bm25: Bm25Settings, settings: LoadSettings) -> None:
        """Load into the index at `address`, analyzed as `bm25` says. Raises IndexingError on a pattern."""
        if any(character in address.index for character in "*,"):
            raise IndexingError(f"{address.index!r} names several indices; name the one to load into")
        self.engine = engine
        self.address = address
        self.bm25 = bm25
        self.settings = settings

    def load(
        self, documents: Iterable[Document], request: LoadRequest, progress: Callable[[int], None] = lambda done: None
    ) -> LoadReport:
        """Load `documents`, read once and not kept, and return what became of them.

        Raises IndexingError where the index must not be written or the engine stays away, EngineError on what it
        answers else. Whatever goes wrong, what is in stays in, and `resume` goes on from there.
        """
        started = time.perf_counter()
        documents = _begun(documents)
        files = CheckpointFile(request.state, str(self.address))
        checkpoint = files.read(request.source) if request.resume else self._begin(request, files)
        resumed_at = checkpoint.done
        if request.resume and not self._exists(checkpoint.index):
            raise IndexingError(
                f"the index {checkpoint.index} of the stopped load is gone; load afresh without --resume"
            )
        entries = islice(
            split_documents(documents, self.settings.passage_words, self.settings.passage_overlap), resumed_at, None
        )
        self._send(entries, checkpoint, files, progress)
        count = self._finish(checkpoint.index)
        missing = checkpoint.created - count
        if missing > 0:
            raise IndexingError(
                f"{checkpoint.index} counts {count} documents, {missing} fewer than it has acknowledged"
            )
        if request.alias:
            swap(self.engine, request.alias, checkpoint.index, request.keep)
        files.end()
        return LoadReport(
            index=checkpoint.index,
            documents=count,
            refused=checkpoint.refused,
            replaced=max(0, checkpoint.done - checkpoint.refused - count),
            seconds=time.perf_counter() - started,
            resumed_at=resumed_at,
            refusals=str(files.refusals) if checkpoint.refused else "",
        )

    def _begin(self, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Create the index; return where the load begins. Raises IndexingError where an index must not be touched."""
        if request.alias:
            check_alias(self.engine, request.alias)
        name = index_name(self.address.index) if request.alias else self.address.index
        if self._exists(name):
            if not request.overwrite:
                raise IndexingError(
                    f"{self.engine.url}: {name} exists; replace it with --overwrite, go on with --resume, or load "
                    "beside it with --alias"
                )
            found: dict[str, Any] = self.engine.request("GET", f"/{name}")
            if list(found) != [name]:
                raise IndexingError(f"{name} is an alias of {', '.join(found)}; load with --alias {name} to swap it")
            self.engine.request("DELETE", f"/{name}", timeout=_SLOW)
        files.begin()
        body = index_body(self.bm25, self.settings, request.alias)
        try:
            self.engine.request("PUT", f"/{name}", body, timeout=_SLOW)
        except StatusError as error:
            if error.kind != "resource_already_exists_exception":  # an answer that was lost, and asked for again
                raise
        checkpoint = Checkpoint(str(self.address), request.source, name)
        files.write(checkpoint)
        return checkpoint

    def _exists(self, name: str) -> bool:
        try:
            self.engine.request("GET", f"/{name}/_settings", params={"filter_path": "*.settings.index.uuid"})
        except StatusError as error:
            if error.status == 404:
                return False
            raise
        return True

    def _send(
        self,
        entries: Iterable[Document],
        checkpoint: Checkpoint,
        files: CheckpointFile,
        progress: Callable[[int], None],
    ) -> None:
        """Send all entries, a few requests at once; the checkpoint only ever counts what came before without a gap."""
        most_bytes = int(self.settings.bulk_megabytes * 1e6)
        sender = Sender(self.engine, f"/{checkpoint.index}", self.settings.patience)
        waiting: deque[Future[Outcome]] = deque()
        written = time.monotonic()

        def settle() -> None:
            nonlocal written
            outcome = waiting.popleft().result()
            files.append_refusals(refusal_lines(outcome.refusals))
            checkpoint.done += outcome.sent
            checkpoint.created += outcome.created
            checkpoint.refused += len(outcome.refusals)
            progress(checkpoint.done)
            if time.monotonic() - written > _CHECKPOINT_EVERY:
                files.write(checkpoint)
                written = time.monotonic()

        with ThreadPoolExecutor(self.settings.workers) as pool:
            try:
                for chunk in chunks(entries, self.settings.bulk_documents, most_bytes):
                    waiting.append(pool.submit(_send_one, sender, chunk))
                    while len(waiting) > self.settings.workers + 1 or (waiting and waiting[0].done()):
                        settle()
                while waiting:
                    settle()
            except BaseException:
                sender.stop()
                raise
            finally:
                files.write(checkpoint)

    def _finish(self, name: str) -> int:
        """Put refresh and replicas back as they should be; return how many documents the engine counts."""
        settings = {"index": {"refresh_interval": None, "number_of_replicas": self.settings.replicas}}
        self.engine.request("PUT", f"/{name}/_settings", settings, timeout=_SLOW)
        self.engine.request("POST", f"/{name}/_refresh", timeout=_SLOW)
        return int(self.engine.request("GET", f"/{name}/_count", timeout=_SLOW)["count"])


def _begun(documents: Iterable[Document]) -> Iterable[Document]:
    """Read the first document, so that a source that cannot be read costs no index; return all of them."""
    rest = iter(documents)
    first = list(islice(rest, 1))
    if not first:
        raise IndexingError("there is no document to load")
    return chain(first, rest)


def _send_one(sender: Sender, chunk: Chunk) -> Outcome:
    return sender.send(chunk)


def name_source(source: str, resume: bool = False) -> str:
    """Return what tells a source from another, and from itself once it has changed: path, size and time.

    Raises IndexingError where `resume` asks for a stream, which cannot be read again.
    """
    if source == "-":
        if resume:
            raise IndexingError("standard input cannot be read again, so there is nothing to resume; load from a file")
        return source
    path = Path(source)
    if not path.exists():
        return source
    if path.is_dir():
        return f"{path.resolve()}, {sum(1 for _ in path.rglob('*'))} files"
    facts = path.stat()
    return f"{path.resolve()}, {facts.st_size} bytes, {facts.st_mtime_ns}"
