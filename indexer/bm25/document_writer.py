"""Write the documents of a segment: their lines, offsets and ranks."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from resift.retrieval.bm25 import store
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document


class DocumentWriter:
    """Writes the entries of documents as JSON lines, the byte offset of each line, and the rank of each by its id."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, which must exist."""
        self._folder = folder
        self._file = (folder / store.DOCUMENTS).open("wb")
        self._offsets = array("q", [0])
        self._ids: dict[str, int] = {}  # id -> number of the document, 0-based
        self._entries = array("q")  # the number of entries of each document

    def __enter__(self) -> DocumentWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self._file.close()
            return
        try:
            self._file.close()
        except OSError:
            pass  # the buffered data is no longer needed, and the first error is the one to report

    def add(self, entries: Sequence[Document]) -> None:
        """Write the entries of one document: itself, or its passages under its id.

        Raises CorpusError on an empty or repeated id and on fields that are not JSON values.
        """
        doc_id = entries[0].doc_id
        number = len(self._ids)
        if not doc_id:
            raise CorpusError(f"document {number + 1} has an empty id; expected an id for each document")
        if self._ids.setdefault(doc_id, number) != number:
            first = self._ids[doc_id] + 1
            message = f"documents {first} and {number + 1} have the same id {doc_id!r}; expected each id once"
            raise CorpusError(message)
        self._entries.append(len(entries))
        for entry in entries:
            line = _json_line(entry)
            self._file.write(line)
            self._offsets.append(self._offsets[-1] + len(line))

    def finish(self) -> list[str]:
        """Write the offsets and the ranks; return the ids of the documents in order.

        Raises CorpusError if there are no documents.
        """
        if not self._ids:
            raise CorpusError("there are no documents; expected at least one")
        np.save(self._folder / store.DOCUMENT_OFFSETS, np.array(self._offsets, np.int64))
        np.save(self._folder / store.ID_RANKS, self._ranks())
        return list(self._ids)

    def _ranks(self) -> NDArray[np.int32]:
        """Return the position of each entry in ascending order of the ids, int32 [entries].

        Of several entries of a document, the first has the largest rank, so that it comes first of equal scores.
        """
        ids = list(self._ids)
        counts = np.array(self._entries, np.int64)
        order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
        last = np.cumsum(counts[order]) - 1  # [documents]: the rank of the first entry of each, in ascending order
        first_ranks = np.empty(len(ids), np.int64)
        first_ranks[order] = last
        firsts = np.cumsum(counts) - counts
        within = np.arange(counts.sum()) - np.repeat(firsts, counts)
        return np.asarray(np.repeat(first_ranks, counts) - within, np.int32)


def _json_line(document: Document) -> bytes:
    """Return a document as one line of JSON; an empty title and empty fields are left out."""
    entry: dict[str, object] = {"doc_id": document.doc_id, "text": document.text}
    if document.title:
        entry["title"] = document.title
    if document.fields:
        entry["fields"] = dict(document.fields)
    try:
        line = json.dumps(entry, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise CorpusError(
            f"the fields of document {document.doc_id!r} cannot be written as JSON: {error}; expected JSON values"
        ) from None
    return line.encode("utf-8", "surrogatepass") + b"\n"  # json.loads decodes lone surrogates in the same way
