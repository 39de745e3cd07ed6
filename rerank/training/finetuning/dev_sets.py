"""The queries that evaluate a training, each with its candidates, prepared once before it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import JudgedCollection, choose_split
from resift.rerank.evaluation.comparable import Sample, first_stage_measures, measure, read_samples
from resift.rerank.evaluation.datasets import DataSet, load, resolve
from resift.rerank.evaluation.experiment import COMPARABLE
from resift.rerank.evaluation.measures import Values, mean, per_query
from resift.rerank.evaluation.self_exclusion import SelfExcludingFirstStage
from resift.rerank.template import Template
from resift.rerank.training.examples import Example
from resift.rerank.training.finetuning.pool import search_texts
from resift.rerank.training.finetuning.rows import as_lists, relevant
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Qrels, Ranking, Run

MEASURED = ("map", "mrr@10", "ndcg@10")
"""The measures of an evaluation, in the order of sentence-transformers."""


@dataclass(frozen=True, slots=True)
class RankedTexts:
    """One query with the texts that are scored: those of the judged documents, or of the first stage's hits."""

    query_id: str
    query: str
    doc_ids: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """A set that evaluates: its candidates, how a ranking of them is measured, and what the first stage reaches.

    `qrels`: the judgements. `measure` maps query_id -> doc_id -> score to the values of each query. `first_stage` has
    the means of the first stage. `protocol` describes in one sentence how the candidates came about; `mean_name` is the
    name of the mean that includes the set, that of NanoBEIR, "" if none does.
    """

    name: str
    queries: tuple[RankedTexts, ...]
    qrels: Qrels
    measure: Callable[[Run], Values]
    first_stage: dict[str, float]
    protocol: str
    mean_name: str = ""

    def means(self, run: Run) -> dict[str, float]:
        """Return the mean of each measure of a run, in the order of `MEASURED`."""
        found = mean(self.measure(run))
        return {name: found[name] for name in MEASURED}


@dataclass(frozen=True, slots=True)
class DevRequest:
    """A dev set as the user names it: a BEIR folder, or sets of NanoBEIR, with the depth of the first stage.

    `root` is a local copy of NanoBEIR in the hub's layout.
    """

    target: str
    root: Path | None = None
    depth: int = 100


def judged_sets(request: DevRequest, template: Template) -> list[EvaluationSet]:
    """Return the sets that `request` names. Raises CorpusError and SettingsError.

    The sets of NanoBEIR are measured as sentence-transformers does: the stored BM25 ranking with all relevant documents
    added, and the documents' own texts. A folder is searched with the embedded BM25, for its dev judgements if it has
    any, and `template` builds the texts; what BM25 does not find cannot be reranked.
    """
    found = []
    for data_set in resolve(request.target, COMPARABLE):
        if data_set.folder is None:
            found.append(_nanobeir_set(load(data_set, root=request.root), request.depth))
        else:
            found.append(_folder_set(data_set, request, template))
    return found


def held_out_set(
    name: str,
    examples: Sequence[Example],
    others: Sequence[Example],
    depth: int = 100,
    progress: Callable[[int], None] = lambda done: None,
) -> EvaluationSet:
    """Return the set of the held-out `examples`: what BM25 finds for their queries in all documents of the data.

    `others` are the examples that are trained on, whose documents are candidates too. Relevant are the documents with
    labels above 0, or the best one by a teacher's scores. Raises CorpusError if no query has a relevant document.
    """
    lists = [one for one in as_lists(examples) if relevant(one)]
    if not lists:
        raise CorpusError("no held-out query has a relevant document; expected labels above 0")
    texts = list(dict.fromkeys(text for one in [*lists, *as_lists(others)] for text in one.documents))
    ids = {text: f"d{number}" for number, text in enumerate(texts)}
    rankings = list(search_texts([one.query for one in lists], texts, depth, progress))
    qrels = {f"q{number}": {ids[text]: 1 for text in relevant(one)} for number, one in enumerate(lists)}
    queries, run = [], {}
    for number, (one, hits) in enumerate(zip(lists, rankings, strict=True)):
        found = tuple(ids[text] for text, _ in hits)
        queries.append(RankedTexts(f"q{number}", one.query, found, tuple(text for text, _ in hits)))
        run[f"q{number}"] = {doc_id: score for doc_id, (_, score) in zip(found, hits, strict=True)}
    protocol = f"BM25's top {depth} of {len(texts):,} documents of the training data, for queries that were held out"
    return _measured(name, tuple(queries), qrels, run, protocol)


def _folder_set(data_set: DataSet, request: DevRequest, template: Template) -> EvaluationSet:
    folder = data_set.folder or Path()
    collection = load(data_set, _dev_split(folder))
    with tempfile.TemporaryDirectory(prefix="resift-") as place:
        build_index(collection.documents(), Path(place) / "index")
        retriever = Bm25Retriever.open(Path(place) / "index")
        rankings = SelfExcludingFirstStage(retriever, request.depth).retrieve(collection.queries)
    run = {one.query.query_id: {hit.document.doc_id: hit.score for hit in one.hits} for one in rankings}
    queries = tuple(_ranked(ranking, template) for ranking in rankings)
    protocol = f"the embedded BM25's top {request.depth}, judgements {collection.split}"
    return _measured(data_set.name, queries, collection.qrels, run, protocol)


def _measured(name: str, queries: tuple[RankedTexts, ...], qrels: Qrels, run: Run, protocol: str) -> EvaluationSet:
    first_stage = mean(per_query(qrels, run))
    kept = {measure: first_stage[measure] for measure in MEASURED}
    return EvaluationSet(name, queries, qrels, lambda scores: per_query(qrels, scores), kept, protocol)


def _ranked(ranking: Ranking, template: Template) -> RankedTexts:
    read = [(hit.document.doc_id, template.render(hit.document)) for hit in ranking.hits]
    kept = [(doc_id, text) for doc_id, text in read if text]
    ids, texts = tuple(doc_id for doc_id, _ in kept), tuple(text for _, text in kept)
    return RankedTexts(ranking.query.query_id, ranking.query.text, ids, texts)


def _dev_split(folder: Path) -> str | None:
    """Return dev if the folder has such judgements; None lets the reader choose."""
    try:
        return choose_split(folder, "dev")
    except CorpusError:
        return None


def _nanobeir_set(collection: JudgedCollection, depth: int) -> EvaluationSet:
    samples = read_samples(collection, depth)
    queries = tuple(
        RankedTexts(one.query.query_id, one.query.text, (*one.relevant, *one.others), tuple(one.texts))
        for one in samples
    )
    first_stage = mean({one.query.query_id: first_stage_measures(one) for one in samples})
    return EvaluationSet(
        f"{collection.name}_R{depth}",
        queries,
        {one.query.query_id: dict.fromkeys(one.relevant, 1) for one in samples},
        lambda run: {one.query.query_id: _comparable(one, run) for one in samples},
        {name: first_stage[name] for name in MEASURED},
        f"the stored BM25 ranking's top {depth} and all relevant documents, as sentence-transformers measures NanoBEIR",
        mean_name=f"NanoBEIR_R{depth}_mean",
    )


def _comparable(sample: Sample, run: Run) -> dict[str, float]:
    import numpy as np

    scores = run[sample.query.query_id]
    return measure(sample.labels, np.array([scores[doc_id] for doc_id in (*sample.relevant, *sample.others)]))
