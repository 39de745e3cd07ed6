"""What `resift evaluate` puts together: a target's judged sets, the two stages, one experiment."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from indexer.corpora import JudgedCollection, read_queries
from indexer.memory import build_index
from rerank.cli.progress import progress
from rerank.cli.stages import NO_MODEL, Cuts, build_reranker, describe, rerank_all, say
from rerank.evaluation.candidates import Candidates, without_query_document
from rerank.evaluation.comparable import evaluate_comparable
from rerank.evaluation.datasets import DataSet, load, resolve
from rerank.evaluation.experiment import COMPARABLE, END_TO_END, ExperimentResult, Mode, Seconds, SetResult, run_set
from rerank.evaluation.experiment import evaluate_set as compare_runs
from rerank.pipeline import SearchSettings
from rerank.predictor import Predictor
from rerank.registry import ScorerSettings
from rerank.reranker import Reranker, RerankSettings
from retrieval.base import Retriever
from retrieval.errors import CorpusError
from retrieval.registry import RETRIEVERS, open_retriever
from retrieval.settings_bm25 import Bm25Settings
from retrieval.store import is_index
from retrieval.trec import read_qrels, read_run
from retrieval.types import Document, Hit, Qrels, Query, Ranking, Run


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of `resift evaluate`: what is judged, and by which protocol."""

    target: str
    queries: str | None = None
    qrels: str | None = None
    split: str | None = None
    run_file: str | None = None
    mode: Mode = END_TO_END
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Stages:
    """The settings of both stages."""

    bm25: Bm25Settings
    search: SearchSettings
    rerank: RerankSettings
    scorer: ScorerSettings


class Evaluator:
    """Evaluates targets with one pair of stages; the model is loaded once."""

    def __init__(self, stages: Stages) -> None:
        """Load the model in force. Raises ModelError."""
        self.stages = stages
        self.reranker: Reranker | None = build_reranker(stages.scorer, stages.rerank)

    def evaluate(self, request: Request) -> ExperimentResult:
        """Return the experiment that `request` asks for. Raises ResiftError and click.UsageError."""
        model = describe(self.stages.scorer, self.stages.rerank)
        if request.mode == COMPARABLE:
            _refuse(_names_index(request.target), "--mode comparable measures nanobeir, not an index")
            model = self.stages.scorer.model
            sets = [self._comparable(data_set, request) for data_set in resolve(request.target, COMPARABLE)]
        elif _names_index(request.target):
            sets = [self._index(request)]
        else:
            _refuse(request.queries or request.qrels, "--queries and --qrels belong to an index; a folder has its own")
            sets = [self._set(data_set, request) for data_set in resolve(request.target)]
        return ExperimentResult(tuple(sets), model, self.stages.search.depth)

    def _comparable(self, data_set: DataSet, request: Request) -> SetResult:
        if data_set.folder is not None:
            raise click.UsageError("--mode comparable needs NanoBEIR's stored ranking; a folder has none")
        if self.stages.scorer.model == NO_MODEL:
            raise click.UsageError("--mode comparable measures a model; --model none leaves nothing to measure")
        _refuse(request.run_file, "--run has a first stage of its own; comparable mode takes the stored one")
        assert self.reranker is not None  # there is a model
        scorer = self.reranker.scorer
        depth = self.stages.search.depth
        sigmoid = isinstance(scorer, Predictor) and scorer.folder.activation == "sigmoid"
        return evaluate_comparable(_load(data_set, request), scorer, depth, sigmoid, data_set.in_mean)

    def _index(self, request: Request) -> SetResult:
        if not request.queries or not request.qrels:
            raise click.UsageError("an index is judged with --queries FILE and --qrels FILE; name both")
        _refuse(request.run_file or request.split or request.root, "--run, --split and --root are not for an index")
        retriever = open_retriever(request.target)
        queries = list(read_queries(request.queries))
        name = Path(request.target.removeprefix("bm25:")).name
        return self._run(name, read_qrels(Path(request.qrels)), queries, retriever)

    def _set(self, data_set: DataSet, request: Request) -> SetResult:
        _refuse(data_set.folder and request.root, "--root is a copy of NanoBEIR; a folder needs none")
        _refuse(not data_set.folder and request.split, "--split belongs to a folder; NanoBEIR's sets have one each")
        collection = _load(data_set, request)
        if request.run_file:
            return self._given_run(collection, _run_path(request.run_file, data_set))
        with tempfile.TemporaryDirectory(prefix="resift-") as folder:
            index = Path(folder) / "index"
            with progress(f"indexing {collection.name}") as done:
                build_index(collection.documents(), index, self.stages.bm25, progress=done)
            return self._run(collection.name, collection.qrels, collection.queries, open_retriever(f"bm25:{index}"))

    def _run(self, name: str, qrels: Qrels, queries: list[Query], retriever: Retriever) -> SetResult:
        return run_set(name, qrels, queries, Candidates(retriever, self.stages.search.depth), self._rerank)

    def _given_run(self, collection: JudgedCollection, path: Path) -> SetResult:
        rankings = _rankings(collection, read_run(path), self.stages.search.depth)
        started = time.perf_counter()
        reranked = self._rerank(rankings)
        return compare_runs(
            collection.name, collection.qrels, rankings, reranked, Seconds(rerank=time.perf_counter() - started)
        )

    def _rerank(self, rankings: Sequence[Ranking]) -> list[Ranking]:
        with progress("reranking", len(rankings)) as done:
            results = rerank_all(self.reranker, rankings, done)
        Cuts(results).warn()
        return [result.ranking for result in results]


def _names_index(target: str) -> bool:
    return target.partition(":")[0] in RETRIEVERS or is_index(Path(target))


def _load(data_set: DataSet, request: Request) -> JudgedCollection:
    split = request.split
    if split is None and request.run_file and data_set.folder and (data_set.folder / "qrels" / "all.trec").is_file():
        split = "all"  # a run may name judged documents whose text the folder does not hold
    return load(data_set, split, Path(request.root) if request.root else None)


def _run_path(given: str, data_set: DataSet) -> Path:
    """Return the run's path: as given, else inside the collection's folder."""
    inside = (data_set.folder or Path()) / given
    return inside if not Path(given).exists() and inside.exists() else Path(given)


def _rankings(collection: JudgedCollection, run: Run, depth: int) -> list[Ranking]:
    """Return the run's rankings of the judged queries with their documents' texts. Raises CorpusError."""
    queries = [query for query in collection.queries if query.query_id in run]
    if not queries:
        raise CorpusError(f"{collection.name}: the run holds none of its {len(collection.queries)} judged queries")
    wanted = {doc_id for query in queries for doc_id in run[query.query_id]}
    documents = {document.doc_id: document for document in collection.documents() if document.doc_id in wanted}
    if missing := len(wanted) - len(documents):
        say(f"note: {missing} of the run's {len(wanted)} documents are not in {collection.name}; their text is empty")
    rankings = []
    for query in queries:
        scores = run[query.query_id].items()
        hits = [Hit(documents.get(doc_id, Document(doc_id, "")), score) for doc_id, score in scores]
        rankings.append(without_query_document(Ranking.of(query, hits)).top(depth))
    return rankings


def _refuse(given: object, message: str) -> None:
    if given:
        raise click.UsageError(message)
