"""Bulk requests that lose nothing: bounded, repeated while time may heal, every refusal kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resift.indexer.engine.mapping import source_of
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.client_errors import BLOCKED
from resift.retrieval.engine.retry import TRANSIENT_STATUSES, Deadline, Retry, StoppedError, is_transient
from resift.retrieval.errors import CorpusError, IndexingError, StatusError
from resift.retrieval.types import Document

_REQUEST_TIMEOUT = 120.0
_ACTION = "create"  # a document whose id is there is not written over: it is told
_KEPT = ",".join(f"items.{_ACTION}.{name}" for name in ("status", "error"))
_PASSING = (
    "es_rejected_execution_exception",
    "rejected_execution_exception",
    "unavailable_shards_exception",
    "node_closed_exception",
    "node_disconnected_exception",
    "node_not_connected_exception",
    "no_shard_available_action_exception",
)
_NO_MASTER = 503  # the status of a block that time may heal
_MANY = 8  # documents: where so many are refused one by one for one reason, it is not theirs
_THERE = 409  # a document of that id is there
_OF_THE_CHUNK = (400, 413)  # one document's fault, or too large as a whole: its halves tell
_GONE = "index_not_found_exception"
_INVALID = "action_request_validation_exception"  # of single documents, such as an id that is too long


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that the engine did not take, and why."""

    doc_id: str
    status: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of a chunk of `sent` documents: `created`, refused, or there already, word for word."""

    sent: int
    created: int
    refusals: tuple[Refusal, ...]


@dataclass(slots=True)
class Chunk:
    """Documents of one bulk request: each its id and its two lines."""

    ids: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    _keys: frozenset[str] = frozenset()

    def add(self, doc_id: str, line: bytes) -> None:
        """Take one document."""
        self.ids.append(doc_id)
        self.lines.append(line)
        self.size += len(line)

    def shares_an_id(self, other: Chunk) -> bool:
        """Tell whether both have a document of one id."""
        return not self.keys().isdisjoint(other.keys())

    def keys(self) -> frozenset[str]:
        """Return the ids as a set, made once the chunk is full."""
        if not self._keys:
            self._keys = frozenset(self.ids)
        return self._keys

    def part(self, places: Iterable[int]) -> Chunk:
        """Return a chunk of the documents at `places`."""
        chunk = Chunk()
        for place in places:
            chunk.add(self.ids[place], self.lines[place])
        return chunk


def chunks(documents: Iterable[Document], most: int, most_bytes: int) -> Iterator[Chunk]:
    """Yield the documents as chunks of at most `most` documents and `most_bytes` bytes, a single larger one apart."""
    chunk = Chunk()
    for document in documents:
        line = _line(document)
        if chunk.ids and (len(chunk.ids) == most or chunk.size + len(line) > most_bytes):
            yield chunk
            chunk = Chunk()
        chunk.add(document.doc_id, line)
    if chunk.ids:
        yield chunk


def _line(document: Document) -> bytes:
    action = json.dumps({_ACTION: {"_id": document.doc_id}}, ensure_ascii=False)
    source = json.dumps(source_of(document), ensure_ascii=False)
    return f"{action}\n{source}\n".encode("utf-8", "replace")


@dataclass(slots=True)
class _Progress:
    """What was reached for one chunk so far; `rest` are its documents without an outcome."""

    rest: Chunk
    created: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, created: int, refusals: Iterable[Refusal]) -> None:
        """Count `created` documents and keep `refusals`."""
        self.created += created
        self.refusals += refusals


class Sender:
    """Sends chunks to one index; safe to share between threads.

    A document goes in under its own id and never over another. Where the id is there, it may be the same document, sent
    before an answer was lost, or sent twice by the engine itself when a node died: that is no error. Another document
    of the id is refused.
    """

    def __init__(self, engine: Engine, path: str, patience: float) -> None:
        """Send to the index at `path`; give up after `patience` seconds without any progress."""
        self._engine = engine
        self._path = path
        self._deadline = Deadline(patience)
        self._stop = threading.Event()

    def __enter__(self) -> Sender:
        """Send until the block ends."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Let every waiting thread give up now, unless it was the source that failed: then they may finish."""
        if error is not None and not isinstance(error, CorpusError):
            self._stop.set()

    def send(self, chunk: Chunk) -> BulkResult:
        """Send `chunk` until each document is in or refused.

        Raises IndexingError where patience ends, or where the engine refuses every document for no fault of theirs.
        """
        progress = _Progress(chunk)
        retry = Retry(deadline=self._deadline, stop=self._stop)
        try:
            retry.call(lambda: self._send_rest(progress, retry))
        except StatusError as error:
            if error.status not in _OF_THE_CHUNK:
                raise self._final(error) from None
            halves = self._divide(progress.rest, error)
            progress.add(halves.created, halves.refusals)
        except StoppedError:
            raise IndexingError("the load was stopped") from None
        return BulkResult(len(chunk.ids), progress.created, tuple(progress.refusals))

    def _send_rest(self, progress: _Progress, retry: Retry) -> None:
        """Send the documents without an outcome. Raises StatusError if some of them must be sent again."""
        try:
            again, created, refusals = self._sort(progress.rest, self._request(progress.rest))
        except StatusError as error:
            self._stop_at(error.kind, error.status, str(error))
            raise
        progress.add(created, refusals)
        if len(again) < len(progress.rest.ids):
            retry.progressed()
        progress.rest = progress.rest.part(again)
        if again:
            raise StatusError("the engine has too much to do", self._engine.url, 429)

    def _final(self, error: StatusError) -> IndexingError:
        """Return the error that ends the load: either it is not transient, or there was no progress for too long."""
        if not is_transient(error):
            return IndexingError(f"{error}")
        silent = self._deadline.elapsed
        return IndexingError(
            f"{error}; no progress for {silent:.0f} s (--patience); indexed documents stay, resume with --resume"
        )

    def _divide(self, chunk: Chunk, error: StatusError) -> BulkResult:
        """Send the halves of a chunk that the engine did not take as a whole; of one document tell why not."""
        if len(chunk.ids) == 1:
            return BulkResult(1, 0, (Refusal(chunk.ids[0], error.status, error.kind or "refused", str(error)),))
        middle = len(chunk.ids) // 2
        first, second = (self.send(chunk.part(half)) for half in (range(middle), range(middle, len(chunk.ids))))
        refused = [*first.refusals, *second.refusals]
        alike = len({(one.status, one.kind) for one in refused}) == 1 and error.kind != _INVALID
        if alike and len(refused) == len(chunk.ids) >= _MANY:
            raise IndexingError(f"{error}; the engine refuses every document so, so the load stops")
        return BulkResult(len(chunk.ids), first.created + second.created, first.refusals + second.refusals)

    def _request(self, chunk: Chunk) -> dict[str, Any]:
        answer: dict[str, Any] = self._engine.request(
            "POST",
            f"{self._path}/_bulk",
            b"".join(chunk.lines),
            {"filter_path": _KEPT},
            retries=0,
            timeout=_REQUEST_TIMEOUT,
        )
        return answer

    def _sort(self, chunk: Chunk, answer: dict[str, Any]) -> tuple[list[int], int, list[Refusal]]:
        """Return what to send again, how many documents were created, and what was refused."""
        again: list[int] = []
        there: dict[int, Refusal] = {}
        refusals: list[Refusal] = []
        items = answer.get("items", [])
        if len(items) != len(chunk.ids):
            raise StatusError(f"answers for {len(items)} of {len(chunk.ids)} documents", self._engine.url, 0)
        for place, item in enumerate(items):
            one = item[_ACTION]
            error = one.get("error")
            if error is None:
                continue
            kind, reason = str(error.get("type", "")), str(error.get("reason", ""))
            self._stop_at(kind, one["status"], reason)
            refusal = _refusal(chunk.ids[place], one["status"], error)
            if one["status"] == _THERE:
                there[place] = refusal
            elif one["status"] in TRANSIENT_STATUSES or kind in _PASSING:
                again.append(place)
            else:
                refusals.append(refusal)
        created = len(chunk.ids) - len(again) - len(there) - len(refusals)
        others = self._others(chunk, list(there))
        return again, created, [*refusals, *(there[place] for place in others)]

    def _stop_at(self, kind: str, status: int, reason: str) -> None:
        """Raise IndexingError at an error of the whole index that no time heals."""
        if kind == _GONE:
            raise IndexingError(f"{self._engine.url}: the index was removed while it was loaded; load afresh") from None
        if kind == BLOCKED and status != _NO_MASTER:
            raise IndexingError(
                f"{self._engine.url}: the index takes no writes: {reason}; mend that, then --resume"
            ) from None

    def _others(self, chunk: Chunk, places: list[int]) -> list[int]:
        """Return at which of the places the engine has another document than `chunk`."""
        if not places:
            return []
        body = {"ids": [chunk.ids[place] for place in places]}
        path = f"{self._path}/_mget"
        found = self._engine.request("POST", path, body, retries=0, timeout=_REQUEST_TIMEOUT).get("docs", [])
        ours = (json.loads(chunk.lines[place].split(b"\n")[1]) for place in places)
        return [p for p, one, own in zip(places, found, ours, strict=False) if not _same(one.get("_source") or {}, own)]


def _same(stored: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Tell whether the engine has our document: all texts of ours that it keeps are the same.

    An index template may leave fields out of the source, add some, or keep none, which then cannot be compared.
    """
    return all(stored[name] == own[name] for name in stored.keys() & own.keys() if isinstance(own[name], str))


def _refusal(doc_id: str, status: int, error: dict[str, Any]) -> Refusal:
    kind, reason = str(error.get("type", "")), str(error.get("reason", ""))
    if status == _THERE:
        return Refusal(doc_id, status, kind, f"another document of this id came before, and was kept: {reason}")
    cause = error.get("caused_by") or {}
    more = f" ({cause['reason']})" if cause.get("reason") else ""
    return Refusal(doc_id, status, kind, reason + more)


def refusal_lines(refusals: Sequence[Refusal]) -> list[str]:
    """Return refusals as JSON lines."""
    return [
        json.dumps({"doc_id": one.doc_id, "status": one.status, "type": one.kind, "reason": one.reason}) + "\n"
        for one in refusals
    ]
