"""Evaluate a target (a folder, an index, NanoBEIR) with one pair of stages."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import JudgedCollection, QuerySettings, Reading, choose_split, read_queries
from resift.rerank.evaluation.comparable import evaluate_comparable
from resift.rerank.evaluation.datasets import DataSet, load, resolve
from resift.rerank.evaluation.experiment import COMPARABLE, END_TO_END, ExperimentResult, Mode, SetResult, run_set
from resift.rerank.evaluation.given_run import GivenRun
from resift.rerank.evaluation.mismatches import find_mismatches
from resift.rerank.evaluation.self_exclusion import FirstStage, SelfExcludingFirstStage
from resift.rerank.pipeline import rerank
from resift.rerank.reranker import Reranker
from resift.rerank.settings import RerankSettings
from resift.rerank.show_progress import ShowProgress, silent
from resift.rerank.stages import SearchStages
from resift.retrieval.bm25.store import is_index
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.registry import has_scheme, is_engine, split_url
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.trec import read_qrels, read_run
from resift.retrieval.types import Qrels, Query, Run
from resift.retrieval.wording import counted


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What is evaluated, and by which protocol.

    `target`: a BEIR folder, an index, or NanoBEIR sets. `queries`, `qrels`: files, for an index. `split`: the
    judgements of a folder. `run_file`: a TREC run that replaces the first stage. `root`: a local copy of NanoBEIR.
    `query_settings`: how `queries` is read. At most one file may be "-", which is standard input.
    """

    target: str
    queries: str | None = None
    qrels: str | None = None
    split: str | None = None
    run_file: str | None = None
    mode: Mode = END_TO_END
    root: str | None = None
    query_settings: QuerySettings = field(default_factory=QuerySettings)

    @property
    def builds_index(self) -> bool:
        """True if the first stage is a temporary index, built for this evaluation."""
        return self.mode == END_TO_END and not self.run_file and not names_index(self.target)


class Evaluator:
    """Evaluates targets with one pair of stages; the model is loaded once."""

    def __init__(
        self,
        stages: SearchStages,
        note: Callable[[str], None] = lambda line: None,
        progress: ShowProgress = silent,
        ask: Callable[[str], str] | None = None,
    ) -> None:
        """Load the model of `stages`. Raises ModelError.

        `note` is called with each message for the user, `ask` with the prompt for a password.
        """
        self.stages = stages
        self.model = stages.model()
        self.reranker = None if self.model is None else Reranker(self.model, stages.rerank)
        self._note = note
        self._progress = progress
        self._ask = ask

    def evaluate(self, request: EvaluationRequest) -> ExperimentResult:
        """Return the experiment that `request` describes. Raises ResiftError."""
        model = self.stages.describe(self.reranker)
        if request.mode == COMPARABLE:
            _refuse(names_index(request.target), "mode", "comparable evaluates nanobeir, not an index; use end-to-end")
            model = self.stages.scorer.model
            sets = [self._comparable_set(data_set, request) for data_set in resolve(request.target, COMPARABLE)]
        elif names_index(request.target):
            sets = [self._index_set(request)]
        else:
            message = "`queries` and `qrels` are only for an index, because a collection has its own; leave them out"
            _refuse(request.queries or request.qrels, "queries", message)
            data_sets = resolve(request.target)
            request = dataclasses.replace(
                request, split=_split(data_sets[0], request)
            )  # a folder is always the only set
            sets = [self._collection_set(data_set, request) for data_set in data_sets]
        return ExperimentResult(tuple(sets), model, self.stages.search.depth, self._conditions(request))

    def _conditions(self, request: EvaluationRequest) -> dict[str, object]:
        """Return the settings that determine the figures, besides model and depth, by name; None for those not used."""
        names = [field.name for field in dataclasses.fields(RerankSettings)]
        fused = self.reranker is not None and request.mode == END_TO_END
        return {
            "target": request.target,
            "queries": request.queries,
            "qrels": request.qrels,
            "query_field": request.query_settings.query_field,
            "split": request.split,
            "run": request.run_file,
            **(dataclasses.asdict(self.stages.rerank) if fused else dict.fromkeys(names)),
            **_fusion(self.reranker if fused else None),
            "revision": self.stages.scorer.revision,
            "max_length": None if self.model is None else self.model.max_length,
            "bm25": dataclasses.asdict(self.stages.bm25) if request.builds_index else None,
            "engine": dataclasses.asdict(self.stages.engine) if is_engine(request.target) else None,
        }

    def _comparable_set(self, data_set: DataSet, request: EvaluationRequest) -> SetResult:
        message = "comparable needs NanoBEIR's stored ranking, which a folder does not have; use end-to-end"
        _refuse(data_set.folder, "mode", message)
        message = "comparable measures a model, and `model=none` leaves nothing to measure; name a model"
        _refuse(self.model is None, "mode", message)
        message = "comparable takes NanoBEIR's stored ranking as its first stage; leave out `run_file`"
        _refuse(request.run_file, "run", message)
        assert self.model is not None  # refused above
        collection, depth = _load(data_set, request), self.stages.search.depth
        sigmoid = self.model.activation == "sigmoid"
        result = evaluate_comparable(collection, self.model, depth, sigmoid, data_set.in_mean)
        self._note_all(result.counts.notes())
        return result

    def _index_set(self, request: EvaluationRequest) -> SetResult:
        if request.run_file:
            message = "`run_file` needs the texts of the documents and has no meaning for an index"
            way_out = "name a folder with the corpus, the queries and their judgements (BEIR) as the target instead"
            raise SettingsError(f"{message}; {way_out}", "run")
        if not request.queries or not request.qrels:
            raise SettingsError("an index is evaluated with the files `queries` and `qrels`; give both", "queries")
        message = "the target is an index, for which `split` and `root` have no meaning; leave them out"
        _refuse(request.split or request.root, "split" if request.split else "root", message)
        message = "queries and judgements cannot both be read from standard input; name a file for one of them"
        _refuse(request.queries == request.qrels == STANDARD_INPUT, "qrels", message)
        retriever = self.stages.open(request.target, self._ask)
        reading = Reading(lambda note: self._note(f"note: {note}"))
        queries = list(read_queries(request.queries, request.query_settings, reading))
        name = Path(split_url(request.target)[1]).name
        result = self._run(
            name, read_qrels(Path(request.qrels), request.query_settings.query_encoding), queries, retriever
        )
        self._note_all(retriever.notes())
        return result

    def _collection_set(self, data_set: DataSet, request: EvaluationRequest) -> SetResult:
        message = "`root` names a copy of NanoBEIR, but the target is a folder; leave it out"
        _refuse(data_set.folder and request.root, "root", message)
        collection = _load(data_set, request)
        if request.run_file:
            run = read_run(_run_path(request.run_file, data_set))
            return self._run(collection.name, collection.qrels, collection.queries, self._given_run(collection, run))
        with tempfile.TemporaryDirectory(prefix="resift-") as folder:
            index = Path(folder) / "index"
            with self._progress(f"indexing {collection.name}") as done:
                build_index(collection.documents(), index, self.stages.bm25, progress=done)
            retriever = self.stages.open(f"bm25:{index}")
            return self._run(collection.name, collection.qrels, collection.queries, retriever)

    def _run(self, name: str, qrels: Qrels, queries: Sequence[Query], retriever: FirstStage) -> SetResult:
        given = isinstance(retriever, GivenRun)
        first_stage = SelfExcludingFirstStage(retriever, self.stages.search.depth, timed=not given)
        with self._progress(f"evaluating {name}", sum(query.query_id in qrels for query in queries)) as done:
            result = run_set(name, qrels, queries, first_stage, partial(rerank, reranker=self.reranker), done)
        self._note_all(result.counts.notes())
        query_ids = {query.query_id for query in queries}
        mismatches = find_mismatches(qrels, query_ids, result.runs[0], given)
        self._note_all(f"note: {mismatch}" for mismatch in mismatches)
        return result

    def _given_run(self, collection: JudgedCollection, run: Run) -> GivenRun:
        """Return the run as a first stage. Raises CorpusError if it contains none of the judged queries."""
        if not any(query.query_id in run for query in collection.queries):
            count = counted(len(collection.queries), "judged query", "judged queries")
            raise CorpusError(f"{collection.name}: the run contains none of its {count}; give a run of this collection")
        given = GivenRun(run, collection.documents(), collection.queries)
        if given.missing:
            share = f"{given.missing:,} of the run's {counted(given.wanted, 'document')}"
            verb, whose = ("is", "its") if given.missing == 1 else ("are", "their")
            self._note(f"note: {share} {verb} not in {collection.name}; {whose} text is empty")
        return given

    def _note_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._note(line)


def _fusion(reranker: Reranker | None) -> dict[str, object]:
    """Return the fusion that applies and who chose it, by the names of the settings; None without a reranker."""
    if reranker is None:
        return {"fusion": None, "fusion_weight": None, "fusion_source": None}
    found = reranker.fusion
    return {"fusion": found.kind, "fusion_weight": found.weight, "fusion_source": found.source}


def names_index(target: str) -> bool:
    """Return whether `target` is an index rather than a collection."""
    return has_scheme(target) or is_index(Path(target))


def _split(data_set: DataSet, request: EvaluationRequest) -> str | None:
    """Return which judgements of a folder are used; None for NanoBEIR, which has one split."""
    if data_set.folder is None:
        message = "`split` is only for a folder, because the sets of NanoBEIR have one split; leave it out"
        _refuse(request.split, "split", message)
        return None
    if request.split is None and request.run_file and (data_set.folder / "qrels" / "all.trec").is_file():
        return "all"  # a run may contain judged documents whose text the folder does not have
    return choose_split(data_set.folder, request.split)


def _load(data_set: DataSet, request: EvaluationRequest) -> JudgedCollection:
    return load(data_set, request.split, Path(request.root) if request.root else None)


def _run_path(given: str, data_set: DataSet) -> Path:
    """Return the run's path: as given, else inside the collection's folder."""
    inside = (data_set.folder or Path()) / given
    return inside if not Path(given).exists() and inside.exists() else Path(given)


def _refuse(given: object, field: str, message: str) -> None:
    """Raise SettingsError if `given` is true, that is, if a setting was given that is not for this target."""
    if given:
        raise SettingsError(message, field)
