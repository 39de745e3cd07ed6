"""What `resift evaluate` puts together: a target's judged sets, the two stages, one experiment."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import JudgedCollection, choose_split, read_queries
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import NO_MODEL, build_reranker, describe, say, warn_of
from resift.rerank.evaluation.comparable import evaluate_comparable
from resift.rerank.evaluation.datasets import DataSet, load, resolve
from resift.rerank.evaluation.doubts import doubts
from resift.rerank.evaluation.experiment import COMPARABLE, END_TO_END, ExperimentResult, Mode, SetResult, run_set
from resift.rerank.evaluation.given_run import GivenRun
from resift.rerank.evaluation.self_exclusion import Candidates, FirstStage
from resift.rerank.pipeline import SearchSettings
from resift.rerank.reranker import Reranker, Reranking, RerankSettings
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.bm25.store import is_index
from resift.retrieval.engine.settings import OpenOptions
from resift.retrieval.errors import CorpusError
from resift.retrieval.registry import RETRIEVERS, is_engine, open_retriever
from resift.retrieval.trec import read_qrels, read_run
from resift.retrieval.types import Qrels, Query, Ranking, Run


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
    options: OpenOptions


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
            _refuse(names_index(request.target), "--mode comparable measures nanobeir, not an index")
            model = self.stages.scorer.model
            sets = [self._comparable(data_set, request) for data_set in resolve(request.target, COMPARABLE)]
        elif names_index(request.target):
            sets = [self._index(request)]
        else:
            _refuse(request.queries or request.qrels, "--queries and --qrels belong to an index; a folder has its own")
            data_sets = resolve(request.target)
            request = dataclasses.replace(request, split=_split(data_sets[0], request))  # of a folder, the only one
            sets = [self._set(data_set, request) for data_set in data_sets]
        return ExperimentResult(tuple(sets), model, self.stages.search.depth, self._conditions(request))

    def _conditions(self, request: Request) -> dict[str, object]:
        """Return by name what decides the figures besides model and depth; None for what does not apply."""
        names = [field.name for field in dataclasses.fields(RerankSettings)]
        fused = self.reranker is not None and request.mode == END_TO_END
        built = request.mode == END_TO_END and not request.run_file and not names_index(request.target)
        scorer = self.reranker.scorer if self.reranker else None
        return {
            "target": request.target,
            "queries": request.queries,
            "qrels": request.qrels,
            "split": request.split,
            "run": request.run_file,
            **(dataclasses.asdict(self.stages.rerank) if fused else dict.fromkeys(names)),
            "revision": self.stages.scorer.revision,
            "max_length": scorer.encoder.max_length if isinstance(scorer, Predictor) else None,
            "bm25": dataclasses.asdict(self.stages.bm25) if built else None,
            "engine": dataclasses.asdict(self.stages.options.engine) if is_engine(request.target) else None,
        }

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
        result = evaluate_comparable(_load(data_set, request), scorer, depth, sigmoid, data_set.in_mean)
        warn_of(result.counts)
        return result

    def _index(self, request: Request) -> SetResult:
        if not request.queries or not request.qrels:
            raise click.UsageError("an index is judged with --queries FILE and --qrels FILE; name both")
        _refuse(request.run_file or request.split or request.root, "--run, --split and --root are not for an index")
        retriever = open_retriever(request.target, self.stages.options)
        queries = list(read_queries(request.queries))
        name = Path(request.target.removeprefix("bm25:")).name
        result = self._run(name, read_qrels(Path(request.qrels)), queries, retriever)
        for note in retriever.notes():
            say(note)
        return result

    def _set(self, data_set: DataSet, request: Request) -> SetResult:
        _refuse(data_set.folder and request.root, "--root is a copy of NanoBEIR; a folder needs none")
        collection = _load(data_set, request)
        if request.run_file:
            run = read_run(_run_path(request.run_file, data_set))
            return self._run(collection.name, collection.qrels, collection.queries, _given_run(collection, run))
        with tempfile.TemporaryDirectory(prefix="resift-") as folder:
            index = Path(folder) / "index"
            with progress(f"indexing {collection.name}") as done:
                build_index(collection.documents(), index, self.stages.bm25, progress=done)
            return self._run(collection.name, collection.qrels, collection.queries, open_retriever(f"bm25:{index}"))

    def _run(self, name: str, qrels: Qrels, queries: Sequence[Query], retriever: FirstStage) -> SetResult:
        given = isinstance(retriever, GivenRun)
        candidates = Candidates(retriever, self.stages.search.depth, timed=not given)
        with progress(f"evaluating {name}", sum(query.query_id in qrels for query in queries)) as done:
            result = run_set(name, qrels, queries, candidates, self._rerank, done)
        warn_of(result.counts)
        for doubt in doubts(qrels, {query.query_id for query in queries}, result.runs[0], given):
            say(f"note: {doubt}")
        return result

    def _rerank(self, rankings: Sequence[Ranking]) -> list[Reranking]:
        if self.reranker is None:
            return [Reranking(ranking, ranking, {}) for ranking in rankings]
        return self.reranker.rerank(rankings)


def names_index(target: str) -> bool:
    """Tell whether `target` is an index rather than a collection."""
    return target.partition(":")[0] in RETRIEVERS or is_index(Path(target))


def _split(data_set: DataSet, request: Request) -> str | None:
    """Return which judgements of a folder are taken; None for NanoBEIR, which has no choice."""
    if data_set.folder is None:
        _refuse(request.split, "--split belongs to a folder; NanoBEIR's sets have one each")
        return None
    if request.split is None and request.run_file and (data_set.folder / "qrels" / "all.trec").is_file():
        return "all"  # a run may name judged documents whose text the folder does not hold
    return choose_split(data_set.folder, request.split)


def _load(data_set: DataSet, request: Request) -> JudgedCollection:
    return load(data_set, request.split, Path(request.root) if request.root else None)


def _run_path(given: str, data_set: DataSet) -> Path:
    """Return the run's path: as given, else inside the collection's folder."""
    inside = (data_set.folder or Path()) / given
    return inside if not Path(given).exists() and inside.exists() else Path(given)


def _given_run(collection: JudgedCollection, run: Run) -> GivenRun:
    """Return the run as a first stage. Raises CorpusError where it answers none of the judged queries."""
    if not any(query.query_id in run for query in collection.queries):
        raise CorpusError(f"{collection.name}: the run holds none of its {len(collection.queries)} judged queries")
    given = GivenRun(run, collection.documents(), collection.queries)
    if given.missing:
        share = f"{given.missing} of the run's {given.wanted} documents"
        say(f"note: {share} are not in {collection.name}; their text is empty")
    return given


def _refuse(given: object, message: str) -> None:
    if given:
        raise click.UsageError(message)
