"""The queries of a distillation: a user's own, and others made from titles and sentences of the documents."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from resift.rerank.template import Template
from resift.rerank.training.distillation.documents import DocumentPool
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.normalized_text import normalized
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document, Query

MOST_HELD_OUT = 500
"""The most held-out queries: more measure a student no better, and are lost to its training."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n")
_SHORTEST, _LONGEST = 20, 250  # bytes of UTF-8, and characters, of a sentence that can be a query
_TITLE = 0.5  # the share of titles among the queries made of documents that have one and sentences


@dataclass(frozen=True, slots=True)
class TrainingQuery:
    """A query to distil on.

    `origin` is "given", "title" or "sentence". `relevant` has the grades of its judged documents by doc_id, of 0 too.
    `held_out`: it measures the students and is never trained on.
    """

    query: Query
    origin: str = "given"
    relevant: Mapping[str, int] = field(default_factory=dict)
    held_out: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the query as a JSON object, which `from_json` reads."""
        return {
            "query_id": self.query.query_id,
            "query": self.query.text,
            "origin": self.origin,
            "relevant": dict(self.relevant),
            "held_out": self.held_out,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainingQuery:
        """Return the query that `to_json` wrote. Raises KeyError if it is not one."""
        query = Query(values["query_id"], values["query"])
        return cls(query, values["origin"], values["relevant"], values["held_out"])


def choose_queries(
    given: Sequence[TrainingQuery],
    pool: DocumentPool,
    settings: DistillSettings,
    template: Template | None = None,
    barred: Iterable[str] = (),
) -> list[TrainingQuery]:
    """Return the queries to distil on: `given` ones, and others made from documents of `pool`, each text once.

    Their shares and their number are those of `settings`: of more given queries than fit, some are drawn at random; if
    the documents make fewer queries than their share, more given ones take their places. `barred` are texts that must
    not be among them, such as the queries of dev sets. Texts count as one if
    `resift.rerank.training.record.texts.normalized` makes them equal. A share of the queries is held out: those with
    the smallest checksums. Raises SettingsError if fewer than two queries are left.
    """
    seen = {normalized(text) for text in barred}
    own: list[TrainingQuery] = []
    for one in given:
        if _new(one.query.text, seen):
            own.append(one)
    share = settings.made_share if own else 1.0
    wanted = round(settings.max_queries * share)
    if share < 1:
        wanted = min(wanted, round(len(own) * share / (1 - share)))
    made = _made(pool, wanted, seen, settings.seed, template or Template())
    own = _drawn(own, settings.max_queries - len(made) if share < 1 else 0, settings.seed)
    if len(own) + len(made) < 2:
        raise SettingsError(
            f"{len(own) + len(made)} queries to distil on; expected 2 or more: give some, or more documents with "
            "titles or sentences",
            "queries",
        )
    return _with_held_out([*own, *made], settings.held_out_share)


def queries_of(document: Document, seed: int, template: Template) -> Iterator[tuple[str, str]]:
    """Yield the origin and the text of the query made from a document: its title, or one of its sentences.

    Which one depends on `seed` and the document's id alone. A document without either yields nothing.
    """
    shown = template.without_html(document)
    random = np.random.default_rng([seed, zlib.crc32(document.doc_id.encode("utf-8", "replace"))])
    title = " ".join(shown.title.split())
    parts = (" ".join(part.split()) for part in _SENTENCE_END.split(shown.text[:20_000]))
    sentences = [part for part in parts if len(part.encode("utf-8", "replace")) >= _SHORTEST and len(part) <= _LONGEST]
    if title and len(title) <= _LONGEST and (not sentences or random.random() < _TITLE):
        yield "title", title
    elif sentences:
        yield "sentence", sentences[int(random.integers(len(sentences)))]


def _new(text: str, seen: set[str]) -> bool:
    """Return whether `text` is not one of the normalized texts `seen`, to which it is added."""
    key = normalized(text)
    if not key or key in seen:
        return False
    seen.add(key)
    return True


def _drawn(queries: list[TrainingQuery], most: int, seed: int) -> list[TrainingQuery]:
    """Return at most `most` of the queries, drawn at random, in their order."""
    if len(queries) <= most:
        return queries
    places = np.random.default_rng(seed).choice(len(queries), size=most, replace=False)
    return [queries[int(place)] for place in np.sort(places)]


def _made(pool: DocumentPool, wanted: int, seen: set[str], seed: int, template: Template) -> list[TrainingQuery]:
    made: list[TrainingQuery] = []
    for document in pool.draw(len(pool.documents), np.random.default_rng([seed, 1])) if wanted > 0 else ():
        for origin, text in queries_of(document, seed, template):
            if len(made) < wanted and _new(text, seen):
                made.append(TrainingQuery(Query(f"{origin} of {document.doc_id}", text), origin))
    return made


def _with_held_out(queries: list[TrainingQuery], share: float) -> list[TrainingQuery]:
    """Mark the share of the queries with the smallest checksums, at least one and at most `MOST_HELD_OUT`."""
    count = max(1, min(round(share * len(queries)), MOST_HELD_OUT, len(queries) - 1))
    sums = [zlib.crc32(normalized(one.query.text).encode("utf-8", "replace")) for one in queries]
    chosen = {place for _, place in sorted(zip(sums, range(len(sums)), strict=True))[:count]}
    return [replace(one, held_out=place in chosen) for place, one in enumerate(queries)]
