"""The candidates of each query in strata: known positives, head and middle of the first stage, and random documents."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from resift.rerank.pipeline import QUERIES_PER_BATCH
from resift.rerank.template import Template
from resift.rerank.training.distillation.documents import DocumentPool, FirstStage
from resift.rerank.training.distillation.queries import TrainingQuery
from resift.rerank.training.distillation.settings import DistillSettings
from resift.retrieval.text import clean
from resift.retrieval.types import Document, Ranking

STRATA = ("positive", "head", "middle", "random")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document to score for a query.

    `text` is what the models read. `first_stage` is its score in the first stage, None if it was not found there.
    `relevance` is its grade, 0 if it was not judged.
    """

    doc_id: str
    text: str
    stratum: str
    first_stage: float | None = None
    relevance: int = 0


@dataclass(frozen=True, slots=True)
class CandidateList:
    """A query and its candidates; `labels` are the teacher's logits, empty as long as they are not scored."""

    query: str
    query_id: str
    candidates: tuple[Candidate, ...]
    held_out: bool = False
    judged: bool = False
    labels: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the list in the form of labelled lists, with what is known of each candidate besides."""
        values: dict[str, Any] = {"query": self.query, "documents": [one.text for one in self.candidates]}
        if self.labels:
            values["labels"] = list(self.labels)
        if self.judged:
            values["relevance"] = [one.relevance for one in self.candidates]
        return values | {
            "query_id": self.query_id,
            "document_ids": [one.doc_id for one in self.candidates],
            "strata": [one.stratum for one in self.candidates],
            "first_stage": [one.first_stage for one in self.candidates],
            "held_out": self.held_out,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CandidateList:
        """Return the list that `to_json` wrote; a labelled list without the rest is read too.

        Raises KeyError, TypeError or ValueError if the values are no such list.
        """
        texts = values["documents"]
        ids = values.get("document_ids") or [str(place) for place in range(len(texts))]
        strata = values.get("strata") or ["head"] * len(texts)
        scores = values.get("first_stage") or [None] * len(texts)
        grades = values.get("relevance") or [0] * len(texts)
        columns = zip(ids, texts, strata, scores, grades, strict=True)
        labels = tuple(float(label) for label in values.get("labels") or ())
        if labels and len(labels) != len(texts):
            raise ValueError(f"{len(labels)} labels for {len(texts)} documents")
        return cls(
            values["query"],
            str(values.get("query_id", values["query"])),
            tuple(Candidate(*row) for row in columns),
            bool(values.get("held_out")),
            values.get("relevance") is not None,
            labels,
        )


class CandidateFinder:
    """Finds the candidates of queries with a first stage and a pool of documents; equal input gives equal lists."""

    def __init__(
        self, retriever: FirstStage, pool: DocumentPool, template: Template, settings: DistillSettings, depth: int
    ) -> None:
        """Search with `retriever` to `depth`; positives that it does not find, and random documents, are of `pool`.

        `template` builds the texts that the models read.
        """
        self._retriever, self._pool, self._template = retriever, pool, template
        self._settings, self._depth = settings, depth
        self.missing = 0
        """How many relevant documents the index does not have."""

    def find(self, queries: Sequence[TrainingQuery]) -> Iterator[list[CandidateList]]:
        """Yield the lists of `queries` in batches, in their order; one with fewer than two candidates is left out.

        Raises EngineError if the index cannot be read.
        """
        for start in range(0, len(queries), QUERIES_PER_BATCH):
            batch = queries[start : start + QUERIES_PER_BATCH]
            rankings = self._retriever.retrieve([one.query for one in batch], self._depth)
            found = [self._list(one, ranking) for one, ranking in zip(batch, rankings, strict=True)]
            yield [one for one in found if len(one.candidates) > 1]

    def _list(self, query: TrainingQuery, ranking: Ranking) -> CandidateList:
        key = zlib.crc32(query.query.text.encode("utf-8", "replace"))
        random = np.random.default_rng([self._settings.seed, 2, key])
        scores = {hit.document.doc_id: hit.score for hit in ranking.hits}
        found = [hit.document for hit in ranking.hits]
        chosen: dict[str, Candidate] = {}

        def take(documents: Sequence[Document], stratum: str, count: int) -> None:
            for document in documents:
                text = clean(self._template.render(document)) if count and document.doc_id not in chosen else ""
                if text:
                    grade = query.relevant.get(document.doc_id, 0)
                    score = scores.get(document.doc_id)
                    chosen[document.doc_id] = Candidate(document.doc_id, text, stratum, score, grade)
                    count -= 1

        settings, head = self._settings, found[: self._settings.head_depth]
        take(self._positives(query, found, random), "positive", settings.positive_documents)
        take(_shuffled(head, random), "head", settings.head_documents)
        take(_shuffled(found[settings.head_depth :], random), "middle", settings.middle_documents)
        others = [one for one in self._pool.draw(4 * settings.random_documents, random) if one.doc_id not in scores]
        take(others, "random", settings.random_documents)
        return CandidateList(
            query.query.text, query.query.query_id, tuple(chosen.values()), query.held_out, bool(query.relevant)
        )

    def _positives(self, query: TrainingQuery, found: Sequence[Document], random: Generator) -> list[Document]:
        """Return the relevant documents in random order; those that nothing finds are counted as missing."""
        ids = [doc_id for doc_id, grade in query.relevant.items() if grade > 0]
        if not ids or not self._settings.positive_documents:
            return []
        known = {document.doc_id: document for document in found}
        known |= self._pool.find([doc_id for doc_id in ids if doc_id not in known])
        self.missing += sum(doc_id not in known for doc_id in ids)
        return _shuffled([known[doc_id] for doc_id in ids if doc_id in known], random)


def _shuffled(documents: Sequence[Document], random: Generator) -> list[Document]:
    return [documents[int(place)] for place in random.permutation(len(documents))]
