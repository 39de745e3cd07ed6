"""Load a collection into Elasticsearch or OpenSearch, or resume a stopped load; refused documents are listed."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from resift.indexer.engine.alias import SLOW, check_alias, index_name, remove_index, request_or_none, swap, unfinished
from resift.indexer.engine.bulk import Sender
from resift.indexer.engine.checkpoint import Checkpoint, CheckpointFile
from resift.indexer.engine.in_order import InOrderSender
from resift.indexer.engine.mapping import index_body, rename_fields
from resift.indexer.engine.resume import check_readable, skip_loaded
from resift.indexer.engine.settings import LoadSettings
from resift.indexer.passages import split_documents
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.fields import PARENT
from resift.retrieval.engine.retry import Patience, Retry, once
from resift.retrieval.errors import IndexingError, StatusError
from resift.retrieval.types import Document

_RETRY_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The result of a load.

    `documents`: number that the engine counts at the end. `refused`: number that it refused. `repeated`: number of
    exact duplicates, each indexed once. `resumed_at`: number of entries that an earlier run had loaded. `refusals`: the
    file that lists the refused documents, "" without any. `swapped`: True if the requested alias was moved to the
    index; `before`: the indices that it pointed to before. `unfinished`: indices of other loads for the alias that were
    stopped, or are still running.
    """

    index: str
    documents: int
    refused: int
    repeated: int
    seconds: float
    resumed_at: int = 0
    refusals: str = ""
    swapped: bool = False
    before: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """The source of a load, and what to do with an existing index or an earlier load.

    `source`: the fingerprint of the documents, and `corpus_settings`: how they are read, by name; a resumed load must
    have the same. `alias`: moved to the new index at the end, despite refused documents only with `allow_refused`.
    `keep`: number of older indices of the alias to keep. `state`: the folder of the checkpoint.
    """

    source: str
    corpus_settings: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    resume: bool = False
    alias: str | None = None
    keep: int = 1
    allow_refused: bool = False
    state: Path = Path(".resift")


class _Count(NamedTuple):
    """The number of documents in an index, of its shards, and of shards `missing` from the count."""

    documents: int
    shards: int
    missing: int


class Loader:
    """Loads documents into one index."""

    def __init__(self, engine: Engine, address: Address, bm25: Bm25Settings, settings: LoadSettings) -> None:
        """Prepare a load into the index at `address`. Raises IndexingError if it names several indices."""
        if any(character in address.index for character in "*,"):
            raise IndexingError(f"{address.index!r} names several indices; expected the one to load into")
        self.engine = engine
        self.address = address
        self.bm25 = bm25
        self.settings = settings
        self.resumable_index = ""  # the name of the index, once the load can be resumed

    def load(
        self, documents: Iterable[Document], request: LoadRequest, progress: Callable[[int], None] = lambda done: None
    ) -> LoadReport:
        """Load `documents`, which are read once as a stream, and return the result.

        Raises IndexingError if the index must not be written, or the engine does not respond for too long; EngineError
        for other errors of the engine; and what `documents` raise. On any error the indexed documents stay, and a
        request with `resume` continues from there.
        """
        started = time.perf_counter()
        documents = check_readable(documents)
        files = CheckpointFile(request.state, str(self.address))
        with files.locked():
            checkpoint = self._resume(request, files) if request.resume else self._start(request, files)
            resumed_at = checkpoint.done
            self.resumable_index = checkpoint.index
            progress(resumed_at)
            words, overlap = self.settings.passage_words, self.settings.passage_overlap
            entries = split_documents(map(rename_fields, documents), words, overlap, PARENT)
            sender = Sender(self.engine, f"/{checkpoint.index}", self.settings.patience)
            in_order = InOrderSender(
                sender, checkpoint, files, self.settings, progress, lambda: self._check_load_id(checkpoint)
            )
            in_order.send(skip_loaded(entries, resumed_at))
            count = self._finish(checkpoint)
            swapped, before = self._swap(checkpoint, request)
            if swapped or not request.alias:
                files.remove_checkpoint()
        return LoadReport(
            index=checkpoint.index,
            documents=count,
            refused=checkpoint.refused,
            repeated=max(0, checkpoint.done - checkpoint.refused - count),
            seconds=time.perf_counter() - started,
            resumed_at=resumed_at,
            refusals=str(files.refusals) if checkpoint.refused else "",
            swapped=swapped,
            before=tuple(before),
            unfinished=tuple(unfinished(self.engine, request.alias, checkpoint.index) if request.alias else ()),
        )

    def _start(self, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Create the index and return a new checkpoint. Raises IndexingError if an index must not be changed."""
        if request.alias:
            check_alias(self.engine, request.alias)
        name = index_name(self.address.index) if request.alias else self.address.index
        exists = self._load_id(name) is not None
        if exists:
            if not request.overwrite:
                resume = "continue the stopped load with --resume, " if files.path.exists() else ""
                what_to_do = f"{resume}replace it with --overwrite, or load beside it with --alias"
                raise IndexingError(f"{self.engine.url}: {name} exists; {what_to_do}")
            found: dict[str, Any] = self.engine.request("GET", f"/{name}")
            if list(found) != [name]:
                raise IndexingError(f"{name} is an alias of {', '.join(found)}; load with --alias {name} to swap it")
        files.clear()
        checkpoint = self._first_checkpoint(name, request, files)
        if exists:
            remove_index(self.engine, name)
        try:
            self._create(checkpoint, request)
        except IndexingError:
            files.remove_checkpoint()
            raise
        return checkpoint

    def _first_checkpoint(self, name: str, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Write the first checkpoint of a load, before anything in the engine changes, and return it."""
        settings = self._fixed_settings(request)
        checkpoint = Checkpoint(str(self.address), request.source, name, uuid.uuid4().hex, settings)
        files.write(checkpoint)
        return checkpoint

    def _create(self, checkpoint: Checkpoint, request: LoadRequest) -> None:
        """Create the index of a load. Raises IndexingError if another process has created it in the meantime."""
        body = index_body(self.bm25, self.settings, request.alias, checkpoint.load_id)
        try:
            self.engine.request("PUT", f"/{checkpoint.index}", body, timeout=SLOW)
        except StatusError as error:
            if error.kind != "resource_already_exists_exception":
                raise
            if self._load_id(checkpoint.index) != checkpoint.load_id:  # else it is ours, and only the response was lost
                raise IndexingError(
                    f"{self.engine.url}: {checkpoint.index} was just created by another process; wait for its load, or "
                    "choose another index"
                ) from None

    def _resume(self, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Return the checkpoint of a stopped load. Raises IndexingError if its index is not the one that it created."""
        checkpoint = files.read(str(self.address), request.source, self._fixed_settings(request))
        if not checkpoint.done and self._load_id(checkpoint.index) is None:  # it stopped before it created the index
            self._create(checkpoint, request)
        self._check_load_id(checkpoint)
        checkpoint.created = self._count_all(checkpoint)
        return checkpoint

    def _fixed_settings(self, request: LoadRequest) -> dict[str, Any]:
        """Return the settings that a resumed load must share with the stopped one, as JSON stores them."""
        passages = {name: getattr(self.settings, name) for name in ("passage_words", "passage_overlap")}
        settings = {**request.corpus_settings, **asdict(self.bm25), **passages, "alias": request.alias}
        stored: dict[str, Any] = json.loads(json.dumps(settings))
        return stored

    def _load_id(self, name: str, retry: Retry | None = None) -> str | None:
        """Return the id of the load that created an index, "" if none did; None if the index does not exist."""
        params = {"filter_path": "*.mappings._meta.resift"}
        found = request_or_none(self.engine, "GET", f"/{name}/_mapping", params, retry=retry)
        if found is None:
            return None
        facts = [one["mappings"]["_meta"]["resift"] for one in found.values()]
        return str(facts[0].get("load", "")) if facts else ""

    def _check_load_id(self, checkpoint: Checkpoint, retry: Retry | None = None) -> None:
        """Raise IndexingError if the index is not the one that this load created."""
        load_id = self._load_id(checkpoint.index, retry)
        if load_id != checkpoint.load_id:
            what = "does not exist any more" if load_id is None else "is not the one that the load created"
            raise IndexingError(
                f"the index {checkpoint.index} {what}: it was removed in the meantime; load again without --resume"
            )

    def _finish(self, checkpoint: Checkpoint) -> int:
        """Restore refresh and replicas; return the number of documents that the engine counts.

        Each step that succeeds is progress, so the next one has the full patience. Raises IndexingError if the engine
        counts fewer than it has accepted.
        """
        settings = {"index": {"refresh_interval": None, "number_of_replicas": self.settings.replicas}}
        self.engine.request("PUT", f"/{checkpoint.index}/_settings", settings, retry=self._retry(), timeout=SLOW)
        self._check_load_id(checkpoint, self._retry())
        return self._count_all(checkpoint)

    def _swap(self, checkpoint: Checkpoint, request: LoadRequest) -> tuple[bool, list[str]]:
        """Move the alias if requested and allowed; return whether it was moved, and the indices behind it before."""
        if request.alias is None or (checkpoint.refused and not request.allow_refused):
            return False, []
        self._mark_complete(checkpoint.index)
        return True, swap(self.engine, request.alias, checkpoint.index, request.keep)

    def _mark_complete(self, name: str) -> None:
        """Mark an index as complete, so that later loads for its alias keep or remove it."""
        path, params, retry = f"/{name}/_mapping", {"filter_path": "*.mappings._meta"}, self._retry()
        found = self.engine.request("GET", path, params=params, retry=retry)
        [meta] = [one["mappings"]["_meta"] for one in found.values()]
        body = {"_meta": {**meta, "resift": {**meta["resift"], "whole": True}}}
        self.engine.request("PUT", path, body, retry=retry)

    def _count_all(self, checkpoint: Checkpoint) -> int:
        """Return the number of documents in the engine. Raises IndexingError if it has accepted more."""
        count = self._count(checkpoint.index)
        if count < checkpoint.created:
            raise IndexingError(
                f"{checkpoint.index} counts {count} documents, {checkpoint.created - count} fewer than the engine has "
                "accepted; load again without --resume"
            )
        return count

    def _count(self, name: str) -> int:
        """Return the number of documents in all shards of an index, once all of them respond.

        Raises IndexingError if some of them still do not respond after `patience` seconds, and StatusError if the
        engine does not.
        """

        def count_once() -> _Count:
            refreshed = self.engine.request("POST", f"/{name}/_refresh", retry=once(), timeout=SLOW)
            counted = self.engine.request("GET", f"/{name}/_count", retry=once(), timeout=SLOW)
            shards = counted["_shards"]
            missing = max(refreshed["_shards"]["failed"], shards["total"] - shards["successful"])
            return _Count(int(counted["count"]), shards["total"], missing)

        count = self._retry().call(count_once, lambda count: count.missing == 0)
        if count.missing:
            raise IndexingError(
                f"{count.missing} of {count.shards} shards of {name} do not respond (--patience); check the cluster's "
                "health, then --resume"
            )
        return count.documents

    def _retry(self) -> Retry:
        """Retry every second until `patience` seconds have passed."""
        return Retry(patience=Patience(self.settings.patience), wait=lambda retry: _RETRY_EVERY)
