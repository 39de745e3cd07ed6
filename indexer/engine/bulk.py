"""Bulk requests without losses: limited in size, retried on transient errors, every refused document reported."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resift.indexer.engine.chunk import CREATE, Chunk
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.client_errors import BLOCKED, CLOSED
from resift.retrieval.engine.retry import TRANSIENT_STATUSES, Patience, Retry, StoppedError, is_transient, once
from resift.retrieval.errors import CorpusError, IndexingError, StatusError

_REQUEST_TIMEOUT = 120.0  # seconds
_FILTER_PATH = "items.*.status,items.*.error"
_TRANSIENT_KINDS = (
    "es_rejected_execution_exception",
    "rejected_execution_exception",
    "unavailable_shards_exception",
    "node_closed_exception",
    "node_disconnected_exception",
    "node_not_connected_exception",
    "no_shard_available_action_exception",
)
_NO_MASTER = 503  # the status of the one block that is transient
_SYSTEMATIC = 8  # documents; if all of so many are refused for one reason, it does not depend on the document
_CONFLICT = 409  # the id exists
_SPLIT_STATUSES = (400, 413)  # a document is malformed, or the request too large: send it in halves
_INDEX_MISSING = "index_not_found_exception"
_INVALID_DOCUMENT = "action_request_validation_exception"  # such as an id that is too long


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that the engine refused, with the HTTP status, the engine's error type and its reason."""

    doc_id: str
    status: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The result for a chunk of `sent` documents: those `refusals`, and the number of others by their outcome.

    `outcomes` has the engine's own names: "created", "updated", "deleted" and "not_found"; and "existing", those that
    were to be created and whose id exists.
    """

    sent: int
    outcomes: Counter[str]
    refusals: tuple[Refusal, ...]

    @property
    def created(self) -> int:
        """The number of new documents."""
        return self.outcomes["created"]


@dataclass(slots=True)
class _Progress:
    """The progress of one chunk; `rest` holds its documents without an outcome."""

    rest: Chunk
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, outcomes: Mapping[str, int], refusals: Iterable[Refusal]) -> None:
        """Count documents by their outcome, and keep `refusals`."""
        self.outcomes.update(outcomes)
        self.refusals += refusals


class Sender:
    """Sends chunks to one index; safe to share between threads.

    A document to create never overwrites another. If the id exists with the same content, that is not an error: the
    response to an earlier attempt was lost, or the engine itself sent it twice when a node died. A different document
    with the same id is refused, or counted as existing with `keep_existing`.
    """

    def __init__(self, engine: Engine, path: str, patience: float, *, keep_existing: bool = False) -> None:
        """Send to the index at the URL path `path`; give up after `patience` seconds without progress in any thread."""
        self._engine = engine
        self._path = path
        self._keep_existing = keep_existing
        self._patience = Patience(patience)
        self._stop = threading.Event()

    def __enter__(self) -> Sender:
        """Return the sender itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """On an error, end the wait of all threads; if the source failed (CorpusError), let them finish instead."""
        if error is not None and not isinstance(error, CorpusError):
            self._stop.set()

    def send(self, chunk: Chunk) -> BulkResult:
        """Send `chunk` until each document is indexed or refused.

        Raises IndexingError after `patience` seconds without progress, on an error that is not transient, or if the
        engine refuses every document for a reason that does not depend on the document.
        """
        progress = _Progress(chunk)
        retry = Retry(patience=self._patience, stop=self._stop)
        try:
            with self._patience.running():
                retry.call(lambda: self._send_rest(progress, retry))
        except StatusError as error:
            if error.status not in _SPLIT_STATUSES:
                raise self._as_indexing_error(error) from None
            halves = self._send_halves(progress.rest, error)
            progress.add(halves.outcomes, halves.refusals)
        except StoppedError:
            raise IndexingError("the load was stopped") from None
        return BulkResult(len(chunk.ids), progress.outcomes, tuple(progress.refusals))

    def _send_rest(self, progress: _Progress, retry: Retry) -> None:
        """Send the documents without an outcome. Raises StatusError if some of them must be sent again."""
        try:
            again, outcomes, refusals = self._classify(progress.rest, self._request(progress.rest))
        except StatusError as error:
            self._raise_if_permanent(error.kind, error.status, str(error))
            raise
        progress.add(outcomes, refusals)
        if len(again) < len(progress.rest.ids):
            retry.progressed()
        progress.rest = progress.rest.part(again)
        if again:
            raise StatusError("the engine is overloaded (429)", self._engine.url, 429)

    def _as_indexing_error(self, error: StatusError) -> IndexingError:
        """Return the IndexingError for an error that is not transient, or after patience is exhausted."""
        if not is_transient(error):
            return IndexingError(f"{error}")
        silent = self._patience.elapsed
        return IndexingError(
            f"{error}; no progress for {silent:.0f} s (`patience`); indexed documents stay, resume with `resume`"
        )

    def _send_halves(self, chunk: Chunk, error: StatusError) -> BulkResult:
        """Send both halves of a chunk that the engine refused as a whole; a single document is refused with `error`."""
        if len(chunk.ids) == 1:
            return BulkResult(1, Counter(), (Refusal(chunk.ids[0], error.status, error.kind or "refused", str(error)),))
        middle = len(chunk.ids) // 2
        first, second = (self.send(chunk.part(half)) for half in (range(middle), range(middle, len(chunk.ids))))
        refused = [*first.refusals, *second.refusals]
        alike = len({(one.status, one.kind) for one in refused}) == 1 and error.kind != _INVALID_DOCUMENT
        if alike and len(refused) == len(chunk.ids) >= _SYSTEMATIC:
            raise IndexingError(f"{error}; the engine refuses every document for this reason, so the load stops")
        return BulkResult(len(chunk.ids), first.outcomes + second.outcomes, first.refusals + second.refusals)

    def _request(self, chunk: Chunk) -> dict[str, Any]:
        answer: dict[str, Any] = self._engine.request(
            "POST",
            f"{self._path}/_bulk",
            b"".join(chunk.lines),
            {"filter_path": _FILTER_PATH if chunk.action == CREATE else f"{_FILTER_PATH},items.*.result"},
            retry=once(),
            timeout=_REQUEST_TIMEOUT,
        )
        return answer

    def _classify(self, chunk: Chunk, answer: dict[str, Any]) -> tuple[list[int], Counter[str], list[Refusal]]:
        """Return the places of documents to send again, the number of the others by outcome, and the refused ones."""
        again: list[int] = []
        conflicts: dict[int, Refusal] = {}
        refusals: list[Refusal] = []
        outcomes: Counter[str] = Counter()
        items = answer.get("items", [])
        if len(items) != len(chunk.ids):
            raise StatusError(f"the response covers {len(items)} of {len(chunk.ids)} documents", self._engine.url, 0)
        for place, item in enumerate(items):
            [one] = item.values()
            error = one.get("error")
            if error is None:
                outcomes[one.get("result", "created")] += 1
                continue
            kind, reason = str(error.get("type", "")), str(error.get("reason", ""))
            self._raise_if_permanent(kind, one["status"], reason)
            refusal = _refusal(chunk.ids[place], one["status"], error)
            if one["status"] == _CONFLICT and chunk.action == CREATE:
                conflicts[place] = refusal
            elif one["status"] in {*TRANSIENT_STATUSES, _CONFLICT} or kind in _TRANSIENT_KINDS:
                again.append(place)
            else:
                refusals.append(refusal)
        different = [] if self._keep_existing else self._different(chunk, list(conflicts))
        outcomes["existing"] += len(conflicts) - len(different)
        return again, outcomes, [*refusals, *(conflicts[place] for place in different)]

    def _raise_if_permanent(self, kind: str, status: int, reason: str) -> None:
        """Raise IndexingError for an error that concerns the whole index and is not transient."""
        if kind == _INDEX_MISSING:
            raise IndexingError(f"{self._engine.url}: the index was removed during the load; load it again") from None
        if kind == CLOSED:
            raise IndexingError(f"{self._engine.url}: the index is closed; open it first") from None
        if kind == BLOCKED and status != _NO_MASTER:
            raise IndexingError(
                f"{self._engine.url}: the index rejects writes: {reason.rstrip(';. ')}; fix that, then `resume`"
            ) from None

    def _different(self, chunk: Chunk, places: list[int]) -> list[int]:
        """Return the places at which the engine has a different document with the same id."""
        if not places:
            return []
        body = {"ids": [chunk.ids[place] for place in places]}
        path = f"{self._path}/_mget"
        found = self._engine.request("POST", path, body, retry=once(), timeout=_REQUEST_TIMEOUT).get("docs", [])
        ours = (json.loads(chunk.lines[place].split(b"\n")[1]) for place in places)
        return [p for p, one, own in zip(places, found, ours, strict=False) if not _same(one.get("_source") or {}, own)]


def _same(stored: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Return True if the engine has our document: each text field that both have is equal.

    An index template may remove fields from the stored source, or add some; these cannot be compared.
    """
    return all(stored[name] == own[name] for name in stored.keys() & own.keys() if isinstance(own[name], str))


def _refusal(doc_id: str, status: int, error: dict[str, Any]) -> Refusal:
    kind, reason = str(error.get("type", "")), str(error.get("reason", ""))
    if status == _CONFLICT:
        return Refusal(
            doc_id, status, kind, f"a different document with this id was loaded before and is kept: {reason}"
        )
    cause = error.get("caused_by") or {}
    more = f" ({cause['reason']})" if cause.get("reason") else ""
    return Refusal(doc_id, status, kind, reason + more)


def refusal_lines(refusals: Sequence[Refusal]) -> list[str]:
    """Return refusals as JSON lines, each with its line break."""
    return [
        json.dumps({"doc_id": one.doc_id, "status": one.status, "type": one.kind, "reason": one.reason}) + "\n"
        for one in refusals
    ]
