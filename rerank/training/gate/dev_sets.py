"""The dev sets of the gate: how a user names one, and its judged queries with their candidates."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import JudgedCollection, QuerySettings, choose_split, read_queries
from resift.rerank.evaluation.datasets import DataSet, load, resolve
from resift.rerank.evaluation.evaluator import names_index
from resift.rerank.evaluation.given_run import GivenRun
from resift.rerank.evaluation.mismatches import find_mismatches
from resift.rerank.evaluation.self_exclusion import FirstStage, SelfExcludingFirstStage
from resift.rerank.pipeline import in_batches
from resift.rerank.reranker import Reranker
from resift.rerank.show_progress import ShowProgress, silent
from resift.rerank.stages import SearchStages
from resift.rerank.template import Template
from resift.rerank.template_budget import Cut, cut_by_size
from resift.rerank.training.gate.held_out import read_held_out
from resift.rerank.training.gate.kept_runs import KeptRuns
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.registry import split_url
from resift.retrieval.trec import read_qrels
from resift.retrieval.types import Qrels, Query, Ranking, to_run
from resift.retrieval.wording import counted


@dataclass(frozen=True, slots=True)
class DevSet:
    """A dev set as the user names it.

    `target`: a BEIR folder, an index (with the files `queries` and `qrels`), sets of NanoBEIR ("nanobeir:NFCorpus"), or
    a file of training examples that were held out: labelled lists, labelled pairs, triplets or pairs.
    `split`: the judgements of a folder; dev if not given. `name`: a name for the report, else that of the target.
    `root`: a local copy of NanoBEIR. `rendered`: whether the texts of a file are already those that a model reads, as
    in what a training wrote; else the template builds them.
    """

    target: str
    queries: str | None = None
    qrels: str | None = None
    split: str | None = None
    name: str = ""
    root: str | None = None
    rendered: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """The judged queries of a dev set, each with the first stage's ranking of its candidates.

    `described` says in a few words how the candidates came about. `relevant` returns the text of a document that is
    judged relevant, None if it is not known: of an index, only the candidates are. `rendered`: whether the texts are
    those that a model reads, so that no template is applied to them.
    """

    name: str
    described: str
    qrels: Qrels
    rankings: tuple[Ranking, ...]
    relevant: Callable[[str], str | None] = field(default=lambda doc_id: None)
    rendered: bool = False

    def read_by(self, reranker: Reranker) -> Reranker:
        """Return `reranker`, reading texts that are rendered as they are."""
        return reranker.with_settings(template="{text}", html="keep") if self.rendered else reranker


class DevSets:
    """Opens dev sets with one pair of stages; the first stage's rankings of folders are kept in `kept`."""

    def __init__(
        self,
        stages: SearchStages,
        kept: KeptRuns,
        progress: ShowProgress = silent,
        note: Callable[[str], None] = lambda line: None,
        cut: Cut = cut_by_size,
    ) -> None:
        """Use `stages` for the first stage; `note` is called with what the user has to know.

        `cut` cuts fields to their budget of tokens, as for the model that is judged.
        """
        self._template = Template(stages.rerank.template, stages.rerank.html, cut)
        self._stages, self._kept, self._progress, self._note = stages, kept, progress, note

    def open(self, sets: Sequence[DevSet]) -> list[Candidates]:
        """Return the candidates of all `sets`, in the given order. Raises SettingsError and other ResiftErrors."""
        found = [candidates for one in sets for candidates in self._open(one)]
        names = [candidates.name for candidates in found]
        if twice := {name for name in names if names.count(name) > 1}:
            raise SettingsError(f"{', '.join(sorted(twice))} is named twice; give each set once", "dev")
        return found

    def _open(self, dev: DevSet) -> list[Candidates]:
        if names_index(dev.target):
            return [self._index(dev)]
        if dev.queries or dev.qrels:
            raise SettingsError("`queries` and `qrels` are only for an index; a folder or a file has its own", "dev")
        if Path(dev.target).is_file():
            return [self._held_out(dev)]
        return [self._collection(dev, data_set) for data_set in resolve(dev.target)]

    def _index(self, dev: DevSet) -> Candidates:
        if not dev.queries or not dev.qrels:
            raise SettingsError(f"{dev.target} is an index; give its `queries` and their `qrels` too", "dev")
        qrels = read_qrels(Path(dev.qrels))
        queries = list(read_queries(dev.queries, QuerySettings()))
        name = dev.name or Path(split_url(dev.target)[1]).name
        depth = self._stages.search.depth
        rankings = self._retrieve(name, qrels, queries, self._stages.open(dev.target))
        return self._checked(Candidates(name, f"the first {depth} hits of {dev.target}", qrels, rankings))

    def _collection(self, dev: DevSet, data_set: DataSet) -> Candidates:
        split = None if data_set.folder is None else self._split(data_set.folder, dev.split)
        collection = load(data_set, split, Path(dev.root) if dev.root else None)
        name = dev.name or (f"{collection.name}-{split}" if split else collection.name)
        depth = self._stages.search.depth
        key = self._kept.key(data_set.folder, collection.split, self._stages)
        run = self._kept.read(key)
        if run is None:
            rankings = self._built(name, collection)
            self._kept.write(key, to_run(rankings))
        else:
            given = GivenRun(run, collection.documents(), collection.queries)
            rankings = tuple(given.retrieve(collection.queries, depth))
        wanted = {doc_id for judged in collection.qrels.values() for doc_id, grade in judged.items() if grade > 0}
        texts = {one.doc_id: self._template.read(one).text for one in collection.documents() if one.doc_id in wanted}
        described = f"BM25's first {depth} of the whole corpus"
        return self._checked(Candidates(name, described, collection.qrels, rankings, texts.get))

    def _held_out(self, dev: DevSet) -> Candidates:
        if dev.split or dev.root:
            raise SettingsError("`split` and `root` are not for a file of examples; leave them out", "dev")
        path = Path(dev.target)
        template = None if dev.rendered else self._template
        held_out = read_held_out(path, template)
        name = dev.name or path.name.removesuffix(".gz").removesuffix(path.suffix).removesuffix(".jsonl")
        with self._progress(f"ranking {name}"):
            rankings = held_out.rankings(self._stages)
        texts = {document.doc_id: document.text for document in held_out.documents}
        return self._checked(Candidates(name, held_out.described, held_out.qrels, rankings, texts.get, rendered=True))

    def _split(self, folder: Path, given: str | None) -> str:
        """Return which judgements are used: dev unless the user names others. Raises CorpusError."""
        if given is not None:
            return choose_split(folder, given)
        try:
            return choose_split(folder, "dev")
        except CorpusError:
            split = choose_split(folder)
            self._note(f"note: {folder.name} has no dev judgements; those of {split} are used")
            return split

    def _built(self, name: str, collection: JudgedCollection) -> tuple[Ranking, ...]:
        with tempfile.TemporaryDirectory(prefix="resift-") as folder:
            index = Path(folder) / "index"
            with self._progress(f"indexing {name}") as done:
                build_index(collection.documents(), index, self._stages.bm25, progress=done)
            return self._retrieve(name, collection.qrels, collection.queries, self._stages.open(f"bm25:{index}"))

    def _retrieve(
        self, name: str, qrels: Qrels, queries: Sequence[Query], retriever: FirstStage
    ) -> tuple[Ranking, ...]:
        judged = [query for query in queries if query.query_id in qrels]
        first_stage = SelfExcludingFirstStage(retriever, self._stages.search.depth)
        rankings: list[Ranking] = []
        with self._progress(f"searching {name}", len(judged)) as done:
            for batch in in_batches(judged):
                rankings += first_stage.retrieve(batch)
                done(len(rankings))
        return tuple(rankings)

    def _note_hopeless(self, found: Candidates) -> None:
        queries = len(found.rankings)
        hopeless = sum(
            not any(grade > 0 for grade in found.qrels[ranking.query.query_id].values()) for ranking in found.rankings
        )
        if hopeless:
            self._note(
                f"note: {found.name}: for {hopeless} of {counted(queries, 'query', 'queries')} no document to rank is "
                "relevant, so that they count 0 in every order"
            )

    def _checked(self, found: Candidates) -> Candidates:
        """Return `found`, with notes on what is suspicious. Raises CorpusError if it cannot decide anything."""
        if not found.rankings:
            raise CorpusError(f"{found.name}: none of its queries is judged; do the ids of both files match?")
        ids = {ranking.query.query_id for ranking in found.rankings}
        if found.rendered:  # a file of examples, whose judgements are those of its own documents
            self._note_hopeless(found)
        else:
            for mismatch in find_mismatches(found.qrels, ids, to_run(found.rankings), given=False):
                self._note(f"note: {found.name}: {mismatch}")
        if empty := sum(not ranking.hits for ranking in found.rankings):
            self._note(f"note: {found.name}: the first stage finds nothing for {counted(empty, 'query', 'queries')}")
        return found
