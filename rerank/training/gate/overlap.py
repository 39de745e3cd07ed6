"""Verify that dev queries were not trained on, by the hashes of the training's texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from resift.rerank.training.examples import graded, read_examples
from resift.rerank.training.gate.dev_sets import Candidates
from resift.rerank.training.gate.report import Overlap
from resift.rerank.training.record import TrainingTexts
from resift.retrieval.types import Ranking


def known_texts(model: Path, base: Path | None, trained_on: Sequence[str]) -> TrainingTexts | None:
    """Return the texts that a model was trained on, None if its folder does not say and `trained_on` is empty.

    They include those of its base, if its folder has them, because a model keeps what its base has learned. Raises
    ModelError if the hashes in a folder cannot be read, and CorpusError if a file cannot.
    """
    texts = TrainingTexts.read(model)
    for source in trained_on:
        texts = texts or TrainingTexts()
        for example in read_examples(source):
            texts.add(example.query, (text for text, label in graded(example) if label > 0))
    before = TrainingTexts.read(base) if base is not None and texts is not None else None
    if texts is not None and before is not None:
        texts.merge(before)
    return texts


def check_overlap(found: Candidates, texts: TrainingTexts | None, exclude: str) -> tuple[Overlap, list[Ranking]]:
    """Return how much of a dev set was trained on, and the rankings of the queries that are left to judge.

    `exclude` is the setting of the gate: "queries", "documents" or "none".
    """
    if texts is None:
        return Overlap(known=False), list(found.rankings)
    left: list[Ranking] = []
    by_query = by_document = 0
    for ranking in found.rankings:
        seen_query = texts.has_query(ranking.query.text)
        seen_document = any(texts.has_relevant(text) for text in _relevant(found, ranking))
        by_query += seen_query
        by_document += seen_document
        if not ((seen_query and exclude != "none") or (seen_document and exclude == "documents")):
            left.append(ranking)
    return Overlap(True, by_query, by_document, len(found.rankings) - len(left)), left


def _relevant(found: Candidates, ranking: Ranking) -> list[str]:
    """Return the texts of the documents that are judged relevant to a query, where they are known."""
    judged = found.qrels.get(ranking.query.query_id, {})
    wanted = {doc_id for doc_id, grade in judged.items() if grade > 0}
    texts = [found.relevant(doc_id) for doc_id in wanted]
    among = (hit.document for hit in ranking.hits if hit.document.doc_id in wanted)
    return [text for text in texts if text] + [f"{document.title} {document.text}" for document in among]
