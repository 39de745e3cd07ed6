"""NanoBEIR as sentence-transformers measures it, so that our figures are comparable to its published ones.

The protocol is that of `CrossEncoderNanoBEIREvaluator` and `CrossEncoderRerankingEvaluator` (sentence-transformers
6.2, `cross_encoder/evaluation/nano_beir.py` and `reranking.py`) with their defaults:

- the candidates are the first 100 of the data set's stored BM25 ranking; every judged document that is missing there
  is added (`always_rerank_positives`), so that recall does not limit the figures: they are higher than end to end;
- the model reads the document's text without its title;
- every judged document is relevant, whatever its grade, and documents with the same text count as one document;
- the mean is over the queries that have a stored ranking;
- for the first stage's own figures, the missing relevant documents are appended to the ranking; the figures are 0 if
  the ranking itself contains no relevant document.

recall@100 is not part of that protocol; it is measured on the same rankings, so that both modes report the same
measures.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resift.indexer.corpora import JudgedCollection
from resift.rerank.counts import Counts
from resift.rerank.evaluation.experiment import COMPARABLE, Labels, Seconds, SetResult
from resift.rerank.evaluation.measures import mean
from resift.rerank.scorer import Scorer, Scores
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Query, Run

_CUTOFF = 10
_RECALL_CUTOFF = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """One query with the texts that are scored for it, by doc_id, in the order of the evaluator.

    `stored`: the stored candidates, best first. `relevant`: the judged documents. `others`: the documents of `stored`
    whose text is not the text of a relevant document.
    """

    query: Query
    stored: Mapping[str, str]
    relevant: Mapping[str, str]
    others: Mapping[str, str]

    @property
    def texts(self) -> list[str]:
        """The texts to score, relevant ones first."""
        return [*self.relevant.values(), *self.others.values()]

    @property
    def labels(self) -> NDArray[np.int64]:
        """1 for each relevant document and 0 for each other one, int64 (n,), in the order of `texts`."""
        return np.repeat([1, 0], [len(self.relevant), len(self.others)])


def evaluate_comparable(
    collection: JudgedCollection,
    scorer: Scorer,
    depth: int,
    sigmoid: bool,
    in_mean: bool = True,
) -> SetResult:
    """Return both stages' measures on one NanoBEIR set, as sentence-transformers computes them.

    The first `depth` documents of each stored ranking are reranked; the published figures are those of 100. `sigmoid`
    applies a float32 sigmoid to the logits first, as sentence-transformers does for a one-label model whose
    configuration does not name an activation; large logits that differ can become ties. Raises CorpusError if the
    stored ranking or a text is missing, and ModelError if the scorer raises it.
    """
    samples = read_samples(collection, depth)
    pairs = [(sample.query.text, text) for sample in samples for text in sample.texts]
    started = time.perf_counter()
    scored = scorer.score(pairs)
    seconds = Seconds(rerank=time.perf_counter() - started)
    scores = _sigmoid(scored.logits) if sigmoid else scored.logits
    bounds = np.cumsum([len(sample.texts) for sample in samples])[:-1]
    by_sample = dict(zip((sample.query.query_id for sample in samples), np.split(scores, bounds), strict=True))
    ideal = {sample.query.query_id: measure(sample.labels, sample.labels) for sample in samples}
    return SetResult(
        name=collection.name,
        first_stage={sample.query.query_id: first_stage_measures(sample) for sample in samples},
        reranked={
            sample.query.query_id: measure(sample.labels, by_sample[sample.query.query_id]) for sample in samples
        },
        runs=(_stored_run(samples), _reranked_run(samples, by_sample)),
        ceiling=mean(ideal),
        mode=COMPARABLE,
        seconds=seconds,
        in_mean=in_mean,
        counts=_counts(samples, scored),
        labels=Labels(collection.qrels, {sample.query.query_id: sample.query.text for sample in samples}),
    )


def read_samples(collection: JudgedCollection, depth: int) -> list[Sample]:
    """Return one sample for each stored ranking, with the first `depth` documents of the ranking.

    Raises CorpusError if there is no stored ranking, or if a query, judgement or document of it is missing.
    """
    if not collection.first_stage:
        raise CorpusError(
            f"{collection.name}: has no stored BM25 ranking, which comparable mode reranks; use end-to-end"
        )
    texts = {document.doc_id: document.text for document in collection.documents()}
    queries = {query.query_id: query for query in collection.queries}
    samples = []
    for query_id, stored in collection.first_stage.items():
        try:
            relevant = {doc_id: texts[doc_id] for doc_id in collection.qrels[query_id]}
            candidates = {doc_id: texts[doc_id] for doc_id in stored[:depth]}
            query = queries[query_id]
        except KeyError as error:
            raise CorpusError(
                f"{collection.name}: the stored ranking of query {query_id!r} needs {error}, which is missing; "
                f"expected the query, its judgements and its documents in the collection"
            ) from None
        known = set(relevant.values())
        others = {doc_id: text for doc_id, text in candidates.items() if text not in known}
        samples.append(Sample(query, candidates, relevant, others))
    return samples


def first_stage_measures(sample: Sample) -> dict[str, float]:
    """Return the measures of the stored ranking, with the missing relevant documents appended."""
    known = set(sample.relevant.values())
    labels = [int(text in known) for text in sample.stored.values()]
    if not any(labels):
        return measure(np.zeros(1, dtype=np.int64), np.zeros(1))
    labels += [1] * (len(sample.relevant) - sum(labels))
    return measure(np.array(labels), np.arange(len(labels), 0, -1))


def measure(labels: NDArray[np.int64], scores: NDArray[np.number]) -> dict[str, float]:
    """Return the four measures of one query; `labels` (0 or 1) and `scores` are (n,). All are 0 if no label is 1.

    >>> measure(np.array([1, 0]), np.array([0.5, 0.5]))["map"]
    0.5
    """
    ranked = labels[np.argsort(scores)[::-1]]  # ties in the order of numpy's sort, as in sentence-transformers
    first = np.flatnonzero(ranked[:_CUTOFF])
    relevant = int(labels.sum())
    return {
        "ndcg@10": ndcg(labels, scores, _CUTOFF),
        "mrr@10": 1.0 / (int(first[0]) + 1) if len(first) else 0.0,
        "map": average_precision(labels, scores),
        "recall@100": float(ranked[:_RECALL_CUTOFF].sum()) / relevant if relevant else 0.0,
    }


def average_precision(labels: NDArray[np.int64], scores: NDArray[np.number]) -> float:
    """Return the sum of (R_n - R_(n-1)) P_n over the distinct values of `scores` (n,), highest first.

    Documents of equal score count as one step. Source: scikit-learn, `average_precision_score`, "AP" in its notes.
    """
    if not labels.any():
        return 0.0
    groups = _tied(scores)
    hits = np.bincount(groups, weights=labels)  # relevant documents of each group of equal scores, (groups,)
    precision = hits.cumsum() / np.bincount(groups).cumsum()
    return float(hits @ precision / labels.sum())


def ndcg(labels: NDArray[np.int64], scores: NDArray[np.number], cutoff: int) -> float:
    """Return nDCG@`cutoff` with linear gains; documents of equal score each have the mean gain of their group.

    Source: McSherry and Najork (2008), "Computing information retrieval performance measures efficiently in the
    presence of tied scores", section 2.6, as in scikit-learn's `ndcg_score` with `ignore_ties=False`.
    """
    if not labels.any():
        return 0.0
    discounts = 1.0 / np.log2(np.arange(len(labels)) + 2.0)  # by rank, (n,)
    discounts[cutoff:] = 0.0
    groups = _tied(scores)
    gains = np.bincount(groups, weights=labels) / np.bincount(groups)  # a group's mean gain, (groups,)
    return float(gains[np.sort(groups)] @ discounts / (np.sort(labels)[::-1] @ discounts))


def _tied(scores: NDArray[np.number]) -> NDArray[np.intp]:
    """Return for each score (n,) the number of its group of equal scores, from 0, the highest. Raises ValueError."""
    if np.isnan(scores).any():
        raise ValueError("a score is NaN; scores must be comparable")
    _, groups = np.unique(-scores, return_inverse=True)
    return np.asarray(groups, dtype=np.intp)


def _counts(samples: Sequence[Sample], scores: Scores) -> Counts:
    """Count the documents and queries whose end the model did not read."""
    truncated = {query_id for query_id, one in zip(_query_ids(samples), scores.query_truncated, strict=True) if one}
    return Counts(
        queries=len(samples),
        hits=len(scores.logits),
        scored=len(scores.logits),
        truncated=int(scores.truncated.sum()),
        queries_truncated=len(truncated),
    )


def _query_ids(samples: Sequence[Sample]) -> list[str]:
    """Return the id of the query of each scored pair."""
    return [sample.query.query_id for sample in samples for _ in sample.texts]


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)) of `logits`, float32 (n,) both; far below zero exp overflows and the result is 0."""
    with np.errstate(over="ignore"):
        return np.float32(1.0) / (np.float32(1.0) + np.exp(-logits.astype(np.float32)))


def _stored_run(samples: Sequence[Sample]) -> Run:
    """Return the stored rankings as a run: n for the first of n documents, 1 for the last."""
    return {
        sample.query.query_id: {
            doc_id: float(len(sample.stored) - position) for position, doc_id in enumerate(sample.stored)
        }
        for sample in samples
    }


def _reranked_run(samples: Sequence[Sample], scores: Mapping[str, NDArray[np.float32]]) -> Run:
    """Return the scored documents of each sample, including the added ones, as a run."""
    return {
        sample.query.query_id: dict(
            zip([*sample.relevant, *sample.others], scores[sample.query.query_id].tolist(), strict=True)
        )
        for sample in samples
    }
