"""Refuse an addition that would lose the titles or the texts of the documents that it replaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document

COMPARED = 500
"""Added documents, from the first, that are compared with those that they replace."""

Holder = Callable[[Sequence[str], str], str | None]
"""Returns which of some ids an index has with a part, "title" or "text", that is not empty; None if there is none."""


def check_nothing_lost(documents: Iterable[Document], holder: Holder) -> Iterator[Document]:
    """Yield `documents`, none of which has been read beyond the first COMPARED when they are compared.

    Raises IndexingError, before the first is yielded, if none of those has a title, or none a text, and a document that
    one of them replaces has: a list of prices, say, is not meant to take its title from a product.
    """
    rest = iter(documents)
    first = list(islice(rest, COMPARED))
    _check_part(first, "title", holder, any(document.title.strip() for document in first))
    _check_part(first, "text", holder, any(document.text.strip() for document in first))
    yield from chain(first, rest)


def _check_part(documents: Sequence[Document], part: str, holder: Holder, is_given: bool) -> None:
    lost = None if is_given or not documents else holder([document.doc_id for document in documents], part)
    if lost is not None:
        raise IndexingError(
            f"none of the documents to add has a {part}, but the index has one for {lost!r}, which would be lost, "
            f"since a document is replaced whole; add documents with all their parts, or name the {part} with "
            f"`{part}_field`, or mean it with `replace_whole`"
        )
