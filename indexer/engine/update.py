"""Add, replace and delete documents of an existing index of Elasticsearch or OpenSearch, by their ids."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from resift.indexer.engine.alias import SLOW
from resift.indexer.engine.bulk import BulkResult, Sender, refusal_lines
from resift.indexer.engine.checkpoint import Checkpoint, CheckpointFile
from resift.indexer.engine.chunk import CREATE, DELETE, INDEX
from resift.indexer.engine.count import count_documents
from resift.indexer.engine.foreign_fields import check_no_new_fields
from resift.indexer.engine.in_order import InOrderSender
from resift.indexer.engine.mapping import rename_fields
from resift.indexer.engine.parents import BATCH, present, remove, remove_others
from resift.indexer.engine.settings import LoadSettings
from resift.indexer.engine.stored import holder
from resift.indexer.engine.written import WrittenIndex, check_same, check_takes_texts, find_written
from resift.indexer.passages import split_documents
from resift.indexer.replacing import check_nothing_lost
from resift.indexer.update_report import UpdateReport
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.fields import PARENT
from resift.retrieval.engine.retry import Patience, Retry
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document

_RETRY_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """How documents are added and deleted.

    `if_absent`: keep a document that is in the index already, instead of replacing it. `state`: the folder of the file
    that lists refused documents. `progress` is called with the number of entries sent so far. `replace_whole`: replace
    documents also if that loses their titles or texts.
    """

    if_absent: bool = False
    state: Path = Path(".resift")
    progress: Callable[[int], None] = lambda done: None
    replace_whole: bool = False


def add(
    engine: Engine,
    address: Address,
    documents: Iterable[Document],
    settings: LoadSettings | None = None,
    options: UpdateOptions | None = None,
) -> UpdateReport:
    """Add `documents` to the index at `address`; one whose id exists is replaced, with all its passages.

    The index must exist: it is never created, and a document's passages have the length recorded in it. Doing the same
    again gives the same index, so that a stopped update is simply repeated. Raises IndexingError if the index does not
    exist, must not be written, or would get new fields though another program made it, does not respond for too long,
    or replaced documents would lose all their titles or texts; EngineError for other errors of the engine; and what
    `documents` raise. A refused document is listed, and the others are added.
    """
    update = _Update(engine, address, settings or LoadSettings(), options or UpdateOptions())
    with update.writing():
        check_takes_texts(engine, update.index)
        if (mapping := update.index.foreign_mapping) is not None:
            documents = check_no_new_fields(documents, mapping, update.index.name)
        if not (update.options.if_absent or update.options.replace_whole):
            documents = check_nothing_lost(documents, functools.partial(holder, engine, update.index))
        if update.index.passages:
            update.add_passages(documents)
        else:
            update.send(map(rename_fields, documents), CREATE if update.options.if_absent else INDEX)
    return update.report()


def delete(
    engine: Engine,
    address: Address,
    doc_ids: Iterable[str],
    settings: LoadSettings | None = None,
    options: UpdateOptions | None = None,
) -> UpdateReport:
    """Delete the documents with `doc_ids` from the index at `address`, with all their passages.

    An id that the index does not have is counted as missing. Raises what `add` raises.
    """
    update = _Update(engine, address, settings or LoadSettings(), options or UpdateOptions())
    with update.writing():
        unique = _unique(doc_ids)
        if update.index.passages:
            update.delete_passages(unique)
        else:
            update.delete(unique)
    return update.report()


def _unique(doc_ids: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for doc_id in doc_ids:
        if doc_id not in seen:
            seen.add(doc_id)
            yield doc_id


class _Update:
    """One change of an index; it is also the recorder of its requests."""

    def __init__(self, engine: Engine, address: Address, settings: LoadSettings, options: UpdateOptions) -> None:
        self.engine = engine
        self.settings = settings
        self.options = options
        self.started = time.perf_counter()
        self.index: WrittenIndex = find_written(engine, address, settings)
        self.files = CheckpointFile(options.state, str(address), "update-refused")
        self.listed = Checkpoint(str(address), "", self.index.name, "", {})
        self.outcomes: Counter[str] = Counter()
        self.documents = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock of the target; at the end refresh and count. Raises IndexingError if a load must come first."""
        with self.files.locked():
            if self.files.path.exists():
                raise IndexingError(
                    f"a load of {self.index.name} was stopped ({self.files.path}); resume it, or load the index again, "
                    "before it is changed"
                )
            self.files.refusals.unlink(missing_ok=True)
            yield
            retry = Retry(patience=Patience(self.settings.patience), wait=lambda retry: _RETRY_EVERY)
            check_same(self.engine, self.index)
            self.documents = count_documents(self.engine, self.index.name, retry)

    def send(self, entries: Iterable[Document], action: str) -> None:
        """Send entries to be created, indexed or deleted."""
        patience, keep = self.settings.patience, self.options.if_absent
        sender = Sender(self.engine, f"/{self.index.name}", patience, keep_existing=keep)
        InOrderSender(sender, self, self.settings, action).send(entries)

    def delete(self, ids: Iterable[str]) -> None:
        """Delete the entries with these ids."""
        self.send((Document(one, "") for one in ids), DELETE)

    def record(self, result: BulkResult) -> None:
        """Count a result, and list its refusals. Raises IndexingError."""
        self.files.append_refusals(refusal_lines(result.refusals), self.listed)
        self.listed.add(result.sent, result.created, len(result.refusals))
        if not self.index.passages:  # else the documents are counted, not their passages
            self.outcomes.update(result.outcomes)
        self.options.progress(self.listed.done)

    def save(self) -> None:
        """Do nothing: an update that stopped is repeated."""

    def add_passages(self, documents: Iterable[Document]) -> None:
        """Replace the passages of each document."""
        passages: dict[str, int] = {}
        self._refresh()
        self.send(self._passages(documents, passages), INDEX)
        remove_others(self.engine, self.index.name, passages, self.delete)

    def _passages(self, documents: Iterable[Document], passages: dict[str, int]) -> Iterator[Document]:
        """Yield the passages of `documents`, and set the number of each one's in `passages`."""
        rest = iter(documents)
        while batch := list(islice(rest, BATCH)):
            known = present(self.engine, self.index.name, [document.doc_id for document in batch])
            for document in batch:
                exists = document.doc_id in known or document.doc_id in passages
                if exists and self.options.if_absent:
                    self.outcomes["existing"] += 1
                    continue
                self.outcomes["updated" if exists else "created"] += 1
                parts = list(split_documents([rename_fields(document)], self.index.words, self.index.overlap, PARENT))
                passages[document.doc_id] = len(parts)
                yield from parts

    def delete_passages(self, doc_ids: Iterable[str]) -> None:
        """Delete all passages of each document."""
        self._refresh()
        rest = iter(doc_ids)
        while batch := list(islice(rest, BATCH)):
            known = present(self.engine, self.index.name, batch)
            remove(self.engine, self.index.name, sorted(known), self.delete)
            self.outcomes.update(deleted=len(known), not_found=len(batch) - len(known))

    def _refresh(self) -> None:
        """Make earlier changes visible to searches."""
        self.engine.request("POST", f"/{self.index.name}/_refresh", timeout=SLOW)

    def report(self) -> UpdateReport:
        """Return the result."""
        return UpdateReport(
            index=self.index.name,
            created=self.outcomes["created"],
            updated=self.outcomes["updated"],
            existing=self.outcomes["existing"],
            deleted=self.outcomes["deleted"],
            missing=self.outcomes["not_found"],
            refused=self.listed.refused,
            documents=self.documents,
            seconds=time.perf_counter() - self.started,
            refusals=str(self.files.refusals) if self.listed.refused else "",
        )
