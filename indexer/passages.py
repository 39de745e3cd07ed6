"""Split long documents into passages, each with the id of its document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from resift.retrieval.types import Document

_WORD = re.compile(r"\S+")


def split_documents(documents: Iterable[Document], words: int, overlap: int, parent: str) -> Iterator[Document]:
    """Yield passages of at most `words` words, `overlap` of them shared with the passage before, with the same title.

    The passages of document ID have the ids `ID#1`, `ID#2`, ..., and ID in the field `parent`; white space between
    words is kept. If `words` is 0, documents are not split.

    >>> [(p.text, p.fields) for p in split_documents([Document("d", "a b c d e")], 3, 1, "parent")]
    [('a b c', {'parent': 'd'}), ('c d e', {'parent': 'd'})]
    """
    for document in documents:
        if not words:
            yield document
            continue
        for number, text in enumerate(cut(document.text, words, overlap), start=1):
            fields = {**document.fields, parent: document.doc_id}
            yield Document(f"{document.doc_id}#{number}", text, document.title, fields)


def cut(text: str, words: int, overlap: int) -> Iterator[str]:
    """Yield the passages of `text`, at least one, of at most `words` words, `overlap` of them from the one before.

    >>> list(cut("a b  c d e", 3, 1))
    ['a b  c', 'c d e']
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    start = 0
    while True:
        part = spans[start : start + words]
        yield text[part[0][0] : part[-1][1]] if part else ""
        if start + words >= len(spans):
            return
        start += words - overlap
