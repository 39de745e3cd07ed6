"""Score the candidates of the queries that have no scores yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Scorer
from resift.rerank.settings import RerankSettings
from resift.rerank.training.distillation.bi_encoder import BiEncoder
from resift.retrieval.types import Document, Hit, Ranking

from .logits import BusyError, CandidateScores, LogitFile
from .models import EvaluatedModel
from .splits import DEPTH, JudgedSet, documents_of, open_set

ALONE = RerankSettings(rank_window_size=DEPTH, fusion="none", keep_promoted=False)
_EVERY = 30.0  # seconds between two lines of progress

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is scored: the first `sample` queries of each set, all if None; `threads` of the CPU, all if None."""

    sample: int | None = None
    threads: int | None = None


def score_all(models: Sequence[EvaluatedModel], specs: Sequence[str], work: Path, extent: Extent, say: Say) -> None:
    """Score the sets `specs` with each of `models`, as far as `extent` says. Raises ResiftError.

    Each query is kept as soon as it is scored; what is there already is not scored again, unless another version of
    the script wrote it.
    """
    for model in models:
        scorer: Scorer | None = None
        for spec in specs:
            judged = open_set(spec, work)
            missing = unscored(model, judged, work, extent.sample)
            if not missing:
                say(f"{model.label} on {spec}: all there")
                continue
            scorer = scorer or model.load(extent.threads)
            try:
                score_set(model, scorer, judged, missing, work, say)
            except BusyError as error:
                say(f"{model.label} on {spec}: left out, {error}")
            if isinstance(scorer, BiEncoder):
                scorer.forget()


def unscored(model: EvaluatedModel, judged: JudgedSet, work: Path, sample: int | None) -> list[str]:
    """Return the ids of the queries of the sample that have candidates and no scores yet."""
    there = LogitFile.of(work, model, judged).read(judged)
    wanted = judged.sampled[:sample]
    return [query_id for query_id in wanted if query_id in judged.candidates and query_id not in there]


def score_set(
    model: EvaluatedModel, scorer: Scorer, judged: JudgedSet, missing: Sequence[str], work: Path, say: Say
) -> None:
    """Append the scores of the queries `missing`, one query at a time. Raises ResiftError and BusyError."""
    documents = documents_of(judged.spec, {doc for query in missing for doc in judged.candidates[query].doc_ids})
    reranker = Reranker(scorer, ALONE)
    said = started = time.monotonic()
    with LogitFile.of(work, model, judged).appending() as file:
        for done, query_id in enumerate(missing, start=1):
            file.write(judged, query_id, _scores(reranker, judged, query_id, documents))
            now = time.monotonic()
            if done in (1, len(missing)) or now - said >= _EVERY:
                each = (now - started) / done
                left = each * (len(missing) - done) / 60
                say(f"{model.label} on {judged.spec}: {done} of {len(missing)}, {each:.1f} s each, {left:.0f} min left")
                said = now


def _scores(reranker: Reranker, judged: JudgedSet, query_id: str, documents: dict[str, Document]) -> CandidateScores:
    one = judged.candidates[query_id]
    hits = [
        Hit(documents.get(doc_id) or Document(doc_id, ""), score)
        for doc_id, score in zip(one.doc_ids, one.scores, strict=True)
    ]
    [result] = reranker.rerank([Ranking.of(one.query, hits)])
    logits = tuple(result.logits.get(doc_id) for doc_id in one.doc_ids)
    read = (result.read.get(doc_id, 1.0) if doc_id in result.logits else None for doc_id in one.doc_ids)
    return CandidateScores(logits, tuple(read))
