"""Split long documents into passages, each with the id of its document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from resift.retrieval.engine.fields import PARENT
from resift.retrieval.types import Document

_WORD = re.compile(r"\S+")


def split_documents(documents: Iterable[Document], words: int, overlap: int = 0) -> Iterator[Document]:
    """Yield passages of at most `words` words, `overlap` of them shared with the passage before, with the same title.

    The passages of document ID have the ids `ID#1`, `ID#2`, ...; white space between words is kept. If `words` is 0,
    documents are not split.

    >>> [p.text for p in split_documents([Document("d", "a b c d e")], 3, 1)]
    ['a b c', 'c d e']
    """
    for document in documents:
        if PARENT in document.fields:  # the corpus has a field with our name: rename it
            renamed = {f"field_{name}" if name == PARENT else name: value for name, value in document.fields.items()}
            document = replace(document, fields=renamed)
        if not words:
            yield document
            continue
        for number, text in enumerate(_windows(document.text, words, overlap), start=1):
            fields = {**document.fields, PARENT: document.doc_id}
            yield Document(f"{document.doc_id}#{number}", text, document.title, fields)


def _windows(text: str, words: int, overlap: int) -> Iterator[str]:
    spans = [match.span() for match in _WORD.finditer(text)]
    start = 0
    while True:
        part = spans[start : start + words]
        yield text[part[0][0] : part[-1][1]] if part else ""
        if start + words >= len(spans):
            return
        start += words - overlap
