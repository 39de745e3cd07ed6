"""The candidates of a query: what the first stage found, what the index has of the known documents, and their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from resift.rerank.template import Template
from resift.rerank.training.mining.anchors import Anchor, Known
from resift.rerank.training.mining.copies import TextPrint, any_copy, prints
from resift.rerank.training.normalized_text import normalized
from resift.retrieval.lookup import DocumentLookup
from resift.retrieval.retriever import Retriever
from resift.retrieval.types import Document, Query, Ranking

_SEARCHED_WORDS = 40  # of a positive's text, to find its copy in the index
_SEARCHED_DEPTH = 5


class MinedIndex(Retriever, DocumentLookup, Protocol):
    """A first stage that can also fetch documents by id: each one in the registry."""


@dataclass(frozen=True, slots=True)
class Text:
    """A document as the model reads it in a search.

    `doc_id` is "" if it is not in the index. `rank` is that in the first stage, from 1, None if it was not found there.
    `grade` is its known grade, 0 for a mined one; `certain` is that of `Known`. `forms` are its words, with its title
    and without.
    """

    text: str
    doc_id: str = ""
    rank: int | None = None
    grade: float = 0.0
    certain: bool = True
    forms: tuple[TextPrint, ...] = field(default=(), compare=False, repr=False)


@dataclass(slots=True)
class MinedCandidates:
    """What is known about one anchor: its positives and known negatives with their texts, and the first stage's hits.

    `missing`: known documents that the index does not have. `unlocated`: positives given as texts of which the index
    has no copy.
    """

    anchor: Anchor
    ranking: Ranking
    template: Template
    positives: list[Text] = field(default_factory=list)
    negatives: list[Text] = field(default_factory=list)
    missing: int = 0
    unlocated: int = 0
    _texts: dict[int, Text] = field(default_factory=dict)

    def hit(self, rank: int) -> Text:
        """Return the hit at `rank`, from 1, as the model reads it."""
        if rank not in self._texts:
            self._texts[rank] = as_read(self.ranking.hits[rank - 1].document, self.template, rank)
        return self._texts[rank]

    def hits(self) -> Iterator[Text]:
        """Yield all hits, best first, as the model reads them."""
        for rank in range(1, len(self.ranking.hits) + 1):
            yield self.hit(rank)


def as_read(document: Document, template: Template, rank: int | None = None) -> Text:
    """Return a document as the model reads it in a search."""
    text = template.render(document)
    forms = prints([text, template.render(Document("", document.text))])
    return Text(text, document.doc_id, rank, forms=tuple(forms))


class Finder:
    """Finds the candidates of anchors, a batch at a time, in few requests to the index."""

    def __init__(self, index: MinedIndex, template: Template, depth: int, copies: float) -> None:
        """Search `index` to `depth`; `template` builds the texts, and `copies` is the share of a copy's words."""
        self.index, self.template, self.depth, self.copies = index, template, depth, copies

    def find(self, anchors: Sequence[Anchor]) -> list[MinedCandidates]:
        """Return the candidates of each anchor. Raises EngineError if the index cannot be read."""
        rankings = self.index.retrieve([anchor.query for anchor in anchors], self.depth)
        found = [MinedCandidates(one, ranking, self.template) for one, ranking in zip(anchors, rankings, strict=True)]
        entries = self._fetch(found)
        copies = self._locate(found)
        for one in found:
            for known, into in ((one.anchor.positives, one.positives), (one.anchor.negatives, one.negatives)):
                made = (
                    self._by_id(one, item, entries) if item.doc_id else self._by_text(one, item, copies)
                    for item in known
                )
                into += [text for text in made if text is not None]
        return found

    def _fetch(self, found: Sequence[MinedCandidates]) -> dict[str, list[Document]]:
        """Return the entries of the known documents that no search has found."""
        wanted: dict[str, None] = {}
        for one in found:
            there = {hit.document.doc_id for hit in one.ranking.hits}
            known = (*one.anchor.positives, *one.anchor.negatives)
            wanted.update(dict.fromkeys(item.doc_id for item in known if item.doc_id and item.doc_id not in there))
        return self.index.documents(list(wanted)) if wanted else {}

    def _locate(self, found: Sequence[MinedCandidates]) -> dict[str, list[Text]]:
        """Return, by the text, the documents found by the first words of each known text that is no copy of a hit."""
        texts: dict[str, None] = {}
        for one in found:
            for known in (*one.anchor.positives, *one.anchor.negatives):
                if known.text and self._copy(known, one.hits()) is None:
                    texts[known.text] = None
        queries = [Query(text, " ".join(text.split()[:_SEARCHED_WORDS])) for text in texts]
        rankings = self.index.retrieve(queries, _SEARCHED_DEPTH) if queries else []
        return {
            ranking.query.query_id: [as_read(hit.document, self.template) for hit in ranking.hits]
            for ranking in rankings
        }

    def _copy(self, known: Known, texts: Iterable[Text]) -> Text | None:
        """Return the first of `texts` that is a copy of a text that was given, None if there is none."""
        given = [TextPrint(known.text)]
        return next((one for one in texts if any_copy(given, one.forms, self.copies)), None)

    def _by_id(self, one: MinedCandidates, known: Known, entries: Mapping[str, Sequence[Document]]) -> Text | None:
        places = (rank for rank, hit in enumerate(one.ranking.hits, start=1) if hit.document.doc_id == known.doc_id)
        rank = next(places, None)
        if rank is not None:
            text = one.hit(rank)
        elif entries.get(known.doc_id):
            text = as_read(_nearest(entries[known.doc_id], one.anchor.query.text), self.template)
        else:
            text = Text("")
        if not text.text:
            one.missing += 1
            return None
        return replace(text, grade=known.grade, certain=known.certain)

    def _by_text(self, one: MinedCandidates, known: Known, copies: Mapping[str, Sequence[Text]]) -> Text | None:
        """Return the copy of a given text as it is read in the index; the text itself if the index has no copy."""
        found = self._copy(known, one.hits()) or self._copy(known, copies.get(known.text, ()))
        if found is not None:
            return replace(found, grade=known.grade, certain=known.certain)
        one.unlocated += 1
        text = self.template.render(Document("", known.text))
        return Text(text, "", None, known.grade, known.certain, tuple(prints([text]))) if text else None


def _nearest(entries: Sequence[Document], query: str) -> Document:
    """Return the passage of a document with most of the query's words, the first of equal ones."""
    if len(entries) == 1:
        return entries[0]
    words = set(normalized(query).split())

    def common(entry: Document) -> int:
        return len(words & set(normalized(f"{entry.title} {entry.text}").split()))

    return max(entries, key=common)
