"""Load a collection into Elasticsearch or OpenSearch, or resume a stopped load; refused documents are listed."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from resift.indexer.engine.alias import (
    SLOW,
    Swapped,
    check_alias,
    index_name,
    remove_index,
    request_or_none,
    swap,
    unfinished,
)
from resift.indexer.engine.bulk import Sender
from resift.indexer.engine.checkpoint import Checkpoint, CheckpointFile
from resift.indexer.engine.count import count_documents
from resift.indexer.engine.in_order import InOrderSender
from resift.indexer.engine.mapping import Origin, index_body, rename_fields
from resift.indexer.engine.ownership import ExistingIndex, check_alias_ours, check_replaceable, find_index
from resift.indexer.engine.recorder import LoadRecorder
from resift.indexer.engine.resume import check_readable, skip_loaded
from resift.indexer.engine.settings import LoadSettings
from resift.indexer.origin import source_name
from resift.indexer.passages import split_documents
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.fields import PARENT
from resift.retrieval.engine.retry import Patience, Retry
from resift.retrieval.errors import IndexingError, StatusError
from resift.retrieval.types import Document

_RETRY_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The result of a load.

    `documents`: number that the engine counts at the end. `refused`: number that it refused. `repeated`: number of
    exact duplicates, each indexed once. `resumed_at`: number of entries that an earlier run had loaded. `refusals`: the
    file that lists the refused documents, "" without any. `swapped`: True if the requested alias was moved to the
    index; `before`: the indices that it pointed to before; `removed`: the older ones that were removed. `unfinished`:
    indices of other loads for the alias that were stopped, or are still running. `replaced`: number of documents in the
    index that was removed because it had the same name, -1 if the engine could not count them.
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
    removed: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    replaced: int = 0


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """The source of a load, and what to do with an existing index or an earlier load.

    `source`: the fingerprint of the documents, and `corpus_settings`: how they are read, by name; a resumed load must
    have the same. `overwrite`: replace the index if resift made it. `overwrite_foreign`: the name of the index, given
    again, replaces it even if resift did not make it. `alias`: moved to the new index at the end, despite refused
    documents only with `allow_refused`, and away from an index that resift did not make only if `alias_from` names that
    index; several are separated by commas. `keep`: number of older indices of the alias to keep. `state`: the folder of
    the checkpoint.
    """

    source: str
    corpus_settings: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    overwrite_foreign: str = ""
    resume: bool = False
    alias: str | None = None
    alias_from: str = ""
    keep: int = 1
    allow_refused: bool = False
    state: Path = Path(".resift")


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
            recorder = LoadRecorder(checkpoint, files, progress, lambda: self._check_load_id(checkpoint))
            InOrderSender(sender, recorder, self.settings).send(skip_loaded(entries, resumed_at))
            count = self._finish(checkpoint)
            swapped = self._swap(checkpoint, request)
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
            swapped=swapped is not None,
            before=tuple(swapped.before if swapped else ()),
            removed=tuple(swapped.removed if swapped else ()),
            unfinished=tuple(unfinished(self.engine, request.alias, checkpoint.index) if request.alias else ()),
            replaced=checkpoint.replaced,
        )

    def _start(self, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Create the index and return a new checkpoint. Raises IndexingError if an index must not be changed."""
        if request.alias:
            check_alias(self.engine, request.alias)
            check_alias_ours(self.engine, request.alias, request.alias_from)
        name = index_name(self.address.index) if request.alias else self.address.index
        existing = find_index(self.engine, name)
        if existing:
            self._check_replaceable(existing, request, files)
        files.clear()
        checkpoint = self._first_checkpoint(name, request, files, existing)
        if existing:
            remove_index(self.engine, name)
        try:
            self._create(checkpoint, request)
        except IndexingError:
            files.remove_checkpoint()
            raise
        return checkpoint

    def _check_replaceable(self, existing: ExistingIndex, request: LoadRequest, files: CheckpointFile) -> None:
        """Raise IndexingError if the load must not replace an index."""
        if not (request.overwrite or request.overwrite_foreign) and files.path.exists():
            raise IndexingError(
                f"{self.engine.url}: {existing.name} exists; continue the stopped load with `resume`, replace it with "
                "`overwrite`, or load beside it with `alias`"
            )
        check_replaceable(self.engine, existing, overwrite=request.overwrite, confirmed=request.overwrite_foreign)

    def _first_checkpoint(
        self, name: str, request: LoadRequest, files: CheckpointFile, existing: ExistingIndex | None
    ) -> Checkpoint:
        """Write the first checkpoint of a load, before anything in the engine changes, and return it."""
        settings = self._fixed_settings(request)
        checkpoint = Checkpoint(str(self.address), request.source, name, uuid.uuid4().hex, settings)
        if existing:
            checkpoint.kept = dict(existing.aliases)
            checkpoint.replaced = -1 if existing.documents is None else existing.documents
        files.write(checkpoint)
        return checkpoint

    def _create(self, checkpoint: Checkpoint, request: LoadRequest) -> None:
        """Create the index of a load. Raises IndexingError if another process has created it in the meantime."""
        source = source_name(checkpoint.source)
        origin = Origin(checkpoint.index, checkpoint.load_id, source, request.alias, checkpoint.kept)
        body = index_body(self.bm25, self.settings, origin)
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
                f"the index {checkpoint.index} {what}: it was removed in the meantime; load again without `resume`"
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

    def _swap(self, checkpoint: Checkpoint, request: LoadRequest) -> Swapped | None:
        """Move the alias if requested and allowed; return the indices behind it before, None if it was not moved."""
        if request.alias is None or (checkpoint.refused and not request.allow_refused):
            return None
        check_alias_ours(self.engine, request.alias, request.alias_from)
        self._mark_complete(checkpoint.index)
        return swap(self.engine, request.alias, checkpoint.index, request.keep)

    def _mark_complete(self, name: str) -> None:
        """Mark an index as complete, so that later loads for its alias keep or remove it."""
        path, params, retry = f"/{name}/_mapping", {"filter_path": "*.mappings._meta"}, self._retry()
        found = self.engine.request("GET", path, params=params, retry=retry)
        [meta] = [one["mappings"]["_meta"] for one in found.values()]
        body = {"_meta": {**meta, "resift": {**meta["resift"], "whole": True}}}
        self.engine.request("PUT", path, body, retry=retry)

    def _count_all(self, checkpoint: Checkpoint) -> int:
        """Return the number of documents in the engine. Raises IndexingError if it has accepted more."""
        count = count_documents(self.engine, checkpoint.index, self._retry())
        if count < checkpoint.created:
            raise IndexingError(
                f"{checkpoint.index} counts {count} documents, {checkpoint.created - count} fewer than the engine has "
                "accepted; load again without `resume`"
            )
        return count

    def _retry(self) -> Retry:
        """Retry every second until `patience` seconds have passed."""
        return Retry(patience=Patience(self.settings.patience), wait=lambda retry: _RETRY_EVERY)
