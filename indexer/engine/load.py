"""Load a collection into Elasticsearch or OpenSearch: all of it, or a list of what was refused; one can go on later."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from resift.indexer.engine.alias import check_alias, if_there, index_name, remove_index, swap, unfinished
from resift.indexer.engine.bulk import Sender
from resift.indexer.engine.checkpoint import Checkpoint, CheckpointFile
from resift.indexer.engine.in_order import Flight
from resift.indexer.engine.mapping import index_body
from resift.indexer.engine.resume import begun, behind
from resift.indexer.engine.settings import LoadSettings
from resift.indexer.passages import split_documents
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.retry import Deadline, Retry
from resift.retrieval.errors import IndexingError, StatusError
from resift.retrieval.types import Document

_SLOW = 300.0  # seconds that creating, refreshing and counting may take
_RETRY_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did. `documents`: how many the engine counts at the end. `refused`: how many it did not take.

    `repeated`: how many came twice, word for word, and are in once. `refusals`: the file that lists the refused ones,
    "" without any. `swapped`: whether the alias that was asked for stands for the index now; `before`: what it stood
    for. `unfinished`: indices that other loads for the alias left, or are filling.
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
        documents = begun(documents)
        files = CheckpointFile(request.state, str(self.address))
        with files.held():
            checkpoint = self._go_on(request, files) if request.resume else self._begin(request, files)
            resumed_at = checkpoint.done
            self.begun = checkpoint.index
            progress(resumed_at)
            whole = split_documents(documents, self.settings.passage_words, self.settings.passage_overlap)
            sender = Sender(self.engine, f"/{checkpoint.index}", self.settings.patience)
            flight = Flight(sender, checkpoint, files, self.settings, progress, lambda: self._check_ours(checkpoint))
            flight.send(behind(whole, resumed_at))
            count = self._finish(checkpoint)
            swapped, before = self._swap(checkpoint, request)
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
            unfinished=tuple(unfinished(self.engine, request.alias, checkpoint.index) if request.alias else ()),
        )

    def _begin(self, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Create the index; return where the load begins. Raises IndexingError where an index must not be touched."""
        if request.alias:
            check_alias(self.engine, request.alias)
        name = index_name(self.address.index) if request.alias else self.address.index
        exists = self._token(name) is not None
        if exists:
            if not request.overwrite:
                go_on = "go on with --resume, " if files.path.exists() else ""
                what_to_do = f"{go_on}replace it with --overwrite, or load beside it with --alias"
                raise IndexingError(f"{self.engine.url}: {name} exists; {what_to_do}")
            found: dict[str, Any] = self.engine.request("GET", f"/{name}")
            if list(found) != [name]:
                raise IndexingError(f"{name} is an alias of {', '.join(found)}; load with --alias {name} to swap it")
        files.begin()
        checkpoint = self._written(name, request, files)
        if exists:
            remove_index(self.engine, name)
        try:
            self._create(checkpoint, request)
        except IndexingError:
            files.end()
            raise
        return checkpoint

    def _written(self, name: str, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Return a load's first checkpoint, which is on the disk before anything of the engine's is touched."""
        how = self._how(request)
        checkpoint = Checkpoint(str(self.address), request.source, name, uuid.uuid4().hex, how)
        files.write(checkpoint)
        return checkpoint

    def _create(self, checkpoint: Checkpoint, request: LoadRequest) -> None:
        """Make the index of a load. Raises IndexingError where somebody else has made one of its name."""
        body = index_body(self.bm25, self.settings, request.alias, checkpoint.token)
        try:
            self.engine.request("PUT", f"/{checkpoint.index}", body, timeout=_SLOW)
        except StatusError as error:
            if error.kind != "resource_already_exists_exception":
                raise
            if self._token(checkpoint.index) != checkpoint.token:  # else it is ours: an answer was lost
                message = f"{self.engine.url}: {checkpoint.index} was made by somebody else a moment ago"
                raise IndexingError(message) from None

    def _go_on(self, request: LoadRequest, files: CheckpointFile) -> Checkpoint:
        """Return where a stopped load goes on. Raises IndexingError where its index is not as that load left it."""
        checkpoint = files.read(str(self.address), request.source, self._how(request))
        if not checkpoint.done and self._token(checkpoint.index) is None:  # it stopped before it had made the index
            self._create(checkpoint, request)
        self._check_ours(checkpoint)
        checkpoint.created = self._count_all(checkpoint)
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
        found = if_there(self.engine, "GET", f"/{name}/_mapping", {"filter_path": "*.mappings._meta.resift"})
        if found is None:
            return None
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
        path = f"/{checkpoint.index}/_settings"
        self._retry().call(lambda: self.engine.request("PUT", path, settings, timeout=_SLOW))
        self._retry().call(lambda: self._check_ours(checkpoint))
        return self._count_all(checkpoint)

    def _swap(self, checkpoint: Checkpoint, request: LoadRequest) -> tuple[bool, list[str]]:
        """Move the alias, if that was asked for and may be; return whether it was, and what it stood for."""
        if request.alias is None or (checkpoint.refused and not request.allow_refused):
            return False, []
        self._retry().call(lambda: self._mark_whole(checkpoint.index))
        return True, swap(self.engine, request.alias, checkpoint.index, request.keep)

    def _mark_whole(self, name: str) -> None:
        """Mark an index as one that holds all it should, so that it may be kept, or removed, for a younger one."""
        found = self.engine.request("GET", f"/{name}/_mapping", params={"filter_path": "*.mappings._meta"})
        [meta] = [one["mappings"]["_meta"] for one in found.values()]
        self.engine.request(
            "PUT", f"/{name}/_mapping", {"_meta": {**meta, "resift": {**meta["resift"], "whole": True}}}
        )

    def _count_all(self, checkpoint: Checkpoint) -> int:
        """Return how many documents the engine counts. Raises IndexingError where they are fewer than it has taken."""
        count = self._count(checkpoint.index)
        if count < checkpoint.created:
            raise IndexingError(
                f"{checkpoint.index} counts {count} documents, {checkpoint.created - count} fewer than the engine has "
                "taken; load afresh without --resume"
            )
        return count

    def _count(self, name: str) -> int:
        """Return how many documents all shards of an index hold, once all of them answer.

        Raises IndexingError if some of them still do not answer after `patience` seconds.
        """

        def count_once() -> tuple[int, int, int]:
            """Return the number of documents, of shards, and of shards that did not answer."""
            refreshed = self._retry().call(lambda: self.engine.request("POST", f"/{name}/_refresh", timeout=_SLOW))
            counted = self._retry().call(lambda: self.engine.request("GET", f"/{name}/_count", timeout=_SLOW))
            shards = counted["_shards"]
            missing = max(refreshed["_shards"]["failed"], shards["total"] - shards["successful"])
            return int(counted["count"]), shards["total"], missing

        count, shards, missing = self._retry().call(count_once, lambda found: found[2] == 0)
        if missing:
            raise IndexingError(
                f"{missing} of {shards} shards of {name} do not answer (--patience); see the cluster's health, "
                "then --resume"
            )
        return count

    def _retry(self) -> Retry:
        """Retry every second until `patience` seconds have passed."""
        return Retry(deadline=Deadline(self.settings.patience), wait=lambda retry: _RETRY_EVERY)
