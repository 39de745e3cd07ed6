"""Load a collection into Elasticsearch or OpenSearch: all of it, or a list of what was refused; one can go on later."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from indexer.alias import check_alias, index_name, remove_index, swap
from indexer.bulk import Sender
from indexer.checkpoint import Checkpoint, CheckpointFile
from indexer.flight import Flight
from indexer.mapping import index_body
from indexer.passages import split_documents
from indexer.settings_load import LoadSettings
from retrieval.address import Address
from retrieval.client import Engine
from retrieval.errors import IndexingError, StatusError
from retrieval.settings_bm25 import Bm25Settings
from retrieval.types import Document

_SLOW = 300.0  # seconds that creating, refreshing and counting may take
_LOOK_EVERY = 1.0  # seconds between two looks at shards that are away


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did. `documents`: how many the engine counts at the end. `refused`: how many it did not take.

    `repeated`: how many came twice, word for word, and are in once. `refusals`: the file that lists the refused ones,
    "" without any. `swapped`: whether the alias that was asked for stands for the index now; `before`: what it stood
    for.
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


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What to do with what is there already.

    `source` names the documents and `reading` tells how they are read, so that a resumed load reads the same. An alias
    is moved to an index that lacks refused documents only if that is allowed (`allow_refused`).
    """

    source: str
    reading: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    resume: bool = False
    alias: str | None = None
    keep: int = 1
    allow_refused: bool = False
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
        self.begun = ""  # the index, once there is something to go on with

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
        with files.held():
            checkpoint = self._go_on(request, files) if request.resume else self._begin(request, files)
            resumed_at = checkpoint.done
            self.begun = checkpoint.index
            progress(resumed_at)
            whole = split_documents(documents, self.settings.passage_words, self.settings.passage_overlap)
            sender = Sender(self.engine, f"/{checkpoint.index}", self.settings.patience)
            Flight(sender, checkpoint, files, self.settings, progress).send(islice(whole, resumed_at, None))
            count = self._finish(checkpoint)
            before: list[str] = []
            swapped = request.alias is not None and (request.allow_refused or not checkpoint.refused)
            if request.alias and swapped:
                self._mark_whole(checkpoint.index)
                before = swap(self.engine, request.alias, checkpoint.index, request.keep)
            if swapped or not request.alias:
                files.end()
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
        )

    def _begin(self, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Create the index; return where the load begins. Raises IndexingError where an index must not be touched."""
        if request.alias:
            check_alias(self.engine, request.alias)
        name = index_name(self.address.index) if request.alias else self.address.index
        if self._token(name) is not None:
            if not request.overwrite:
                go_on = "go on with --resume, " if files.path.exists() else ""
                what_to_do = f"{go_on}replace it with --overwrite, or load beside it with --alias"
                raise IndexingError(f"{self.engine.url}: {name} exists; {what_to_do}")
            found: dict[str, Any] = self.engine.request("GET", f"/{name}")
            if list(found) != [name]:
                raise IndexingError(f"{name} is an alias of {', '.join(found)}; load with --alias {name} to swap it")
            remove_index(self.engine, name)
        files.begin()
        how = self._how(request)
        checkpoint = Checkpoint(str(self.address), request.source, name, uuid.uuid4().hex, how)
        try:
            body = index_body(self.bm25, self.settings, request.alias, checkpoint.token)
            self.engine.request("PUT", f"/{name}", body, timeout=_SLOW)
        except StatusError as error:
            if error.kind != "resource_already_exists_exception":
                raise
            if self._token(name) != checkpoint.token:  # else it is ours: an answer was lost, and we asked again
                raise IndexingError(f"{self.engine.url}: {name} was made by somebody else a moment ago") from None
        files.write(checkpoint)
        return checkpoint

    def _go_on(self, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Return where a stopped load goes on. Raises IndexingError where its index is not as that load left it."""
        checkpoint = files.read(str(self.address), request.source, self._how(request))
        self._check_ours(checkpoint)
        count = self._count(checkpoint.index)
        if count < checkpoint.created:
            raise _lost(checkpoint, count)
        checkpoint.created = count
        return checkpoint

    def _how(self, request: LoadRequest) -> dict[str, Any]:
        """Return what a load that goes on must have in common with the one that stopped, as JSON keeps it."""
        passages = {name: getattr(self.settings, name) for name in ("passage_words", "passage_overlap")}
        how: dict[str, Any] = json.loads(
            json.dumps({**request.reading, **asdict(self.bm25), **passages, "alias": request.alias})
        )
        return how

    def _token(self, name: str) -> str | None:
        """Return what marks an index as a load's own, "" where nothing does; None where there is no such index."""
        try:
            found = self.engine.request("GET", f"/{name}/_mapping", params={"filter_path": "*.mappings._meta.resift"})
        except StatusError as error:
            if error.status == 404:
                return None
            raise
        marks = [one["mappings"]["_meta"]["resift"] for one in found.values()]
        return str(marks[0].get("load", "")) if marks else ""

    def _check_ours(self, checkpoint: Checkpoint) -> None:
        """Raise IndexingError where the index is not the one that this load made."""
        token = self._token(checkpoint.index)
        if token != checkpoint.token:
            what = "is gone" if token is None else "is another one than the load made"
            raise IndexingError(
                f"the index {checkpoint.index} {what}: it was removed meanwhile; load afresh without --resume"
            )

    def _finish(self, checkpoint: Checkpoint) -> int:
        """Put refresh and replicas back as they should be; return how many documents the engine counts.

        Raises IndexingError where they are fewer than it has taken.
        """
        settings = {"index": {"refresh_interval": None, "number_of_replicas": self.settings.replicas}}
        self.engine.request("PUT", f"/{checkpoint.index}/_settings", settings, timeout=_SLOW)
        self._check_ours(checkpoint)
        count = self._count(checkpoint.index)
        if count < checkpoint.created:
            raise _lost(checkpoint, count)
        return count

    def _mark_whole(self, name: str) -> None:
        """Mark an index as one that holds all it should, so that it may be kept, or removed, for a younger one."""
        found = self.engine.request("GET", f"/{name}/_mapping", params={"filter_path": "*.mappings._meta"})
        [meta] = [one["mappings"]["_meta"] for one in found.values()]
        self.engine.request(
            "PUT", f"/{name}/_mapping", {"_meta": {**meta, "resift": {**meta["resift"], "whole": True}}}
        )

    def _count(self, name: str) -> int:
        """Return how many documents all shards of an index hold, once all of them answer.

        Raises IndexingError where some stay away.
        """
        began = time.monotonic()
        while True:
            refreshed = self.engine.request("POST", f"/{name}/_refresh", timeout=_SLOW)
            counted = self.engine.request("GET", f"/{name}/_count", timeout=_SLOW)
            shards = counted["_shards"]
            if not refreshed["_shards"]["failed"] and shards["successful"] == shards["total"]:
                return int(counted["count"])
            if time.monotonic() - began > self.settings.patience:
                raise IndexingError(
                    f"{shards['total'] - shards['successful']} of {shards['total']} shards of {name} do not answer "
                    "(--patience); see the cluster's health, then --resume"
                )
            time.sleep(_LOOK_EVERY)


def _lost(checkpoint: Checkpoint, count: int) -> IndexingError:
    return IndexingError(
        f"{checkpoint.index} counts {count} documents, {checkpoint.created - count} fewer than the engine has taken; "
        "load afresh without --resume"
    )


def _begun(documents: Iterable[Document]) -> Iterable[Document]:
    """Read the first document, so that a source that cannot be read costs no index; return all of them."""
    rest = iter(documents)
    first = list(islice(rest, 1))
    if not first:
        raise IndexingError("there is no document to load")
    return chain(first, rest)


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
        files = [(str(file), file.stat()) for file in sorted(path.rglob("*"))]
        facts_of_all = "".join(f"{name} {one.st_size} {one.st_mtime_ns}\n" for name, one in files)
        return f"{path.resolve()}, {len(files)} files {hashlib.sha256(facts_of_all.encode()).hexdigest()[:16]}"
    facts = path.stat()
    return f"{path.resolve()}, {facts.st_size} bytes, {facts.st_mtime_ns}"
