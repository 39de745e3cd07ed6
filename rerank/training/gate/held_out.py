"""Judge by training examples that were held out: each query with its labelled documents, in the order of BM25."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from resift.indexer.bm25.build import build_index
from resift.rerank.stages import SearchStages
from resift.rerank.template import Template
from resift.rerank.training.examples import graded, read_examples, read_written
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document, Hit, Qrels, Query, Ranking

_DEEPEST = 10_000  # documents that BM25 ranks for a query, from which its own are taken


@dataclass(slots=True)
class HeldOut:
    """The queries of a file of examples with the grade of each of their documents, by ids that were made up.

    The documents of all examples are a corpus. A query whose own documents have different grades is judged on these; of
    one that has only documents of one grade, as in a file of pairs, the candidates are found in the corpus.
    """

    queries: list[Query] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    qrels: Qrels = field(default_factory=dict)

    @property
    def own(self) -> set[str]:
        """The ids of the queries that are judged on their own documents."""
        return {query_id for query_id, judged in self.qrels.items() if len({max(0, g) for g in judged.values()}) > 1}

    @property
    def described(self) -> str:
        """How the candidates come about, in a few words."""
        return "their own documents, in BM25's order" if self.own else "BM25 over the documents of all examples"

    def rankings(self, stages: SearchStages) -> tuple[Ranking, ...]:
        """Return BM25's ranking of each query's candidates, by the settings of the first stage."""
        own, depth = self.own, stages.search.depth
        with tempfile.TemporaryDirectory(prefix="resift-") as folder:
            index = Path(folder) / "index"
            build_index(iter(self.documents), index, stages.bm25)
            retriever = stages.open(f"bm25:{index}")
            deepest = min(_DEEPEST, len(self.documents))
            return tuple(
                self._of_own(query, retriever.retrieve([query], deepest)[0])
                if query.query_id in own
                else retriever.retrieve([query], depth)[0]
                for query in self.queries
            )

    def _of_own(self, query: Query, found: Ranking) -> Ranking:
        """Return the ranking of a query's own documents; those without a common word have the score 0."""
        scores = {hit.document.doc_id: hit.score for hit in found.hits}
        documents = (self.documents[int(doc_id)] for doc_id in self.qrels[query.query_id])
        return Ranking.of(query, (Hit(document, scores.get(document.doc_id, 0.0)) for document in documents))


def read_held_out(path: Path, template: Template | None) -> HeldOut:
    """Return the queries of a file of examples, those with the same text as one. Raises CorpusError.

    `template` builds the texts that a model reads; None if they are built already, in a file that a training wrote.
    The labels are to be grades: whole numbers. Of a list with a teacher's scores, its "relevance" is taken.
    """
    held_out = HeldOut()
    examples = read_written(path) if template is None else read_examples(path, template)
    queries: dict[str, str] = {}
    documents: dict[str, str] = {}
    for number, example in enumerate(examples, start=1):
        query_id = queries.setdefault(example.query, str(len(queries)))
        if query_id not in held_out.qrels:
            held_out.queries.append(Query(query_id, example.query))
            held_out.qrels[query_id] = {}
        judged = held_out.qrels[query_id]
        for text, label in graded(example):
            doc_id = documents.setdefault(text, str(len(documents)))
            if int(doc_id) == len(held_out.documents):
                held_out.documents.append(Document(doc_id, text))
            judged[doc_id] = max(judged.get(doc_id, 0), _grade(label, path, number))
    return held_out


def _grade(label: float, path: Path, number: int) -> int:
    if not float(label).is_integer():
        expected = 'expected whole numbers; a list with a teacher\'s scores needs judgements in "relevance"'
        raise CorpusError(f"example {number} has the label {label:g}, which is not a grade; {expected}", path)
    return int(label)
