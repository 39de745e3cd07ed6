"""The stages of a distillation up to the teacher's scores, each with its files in the work folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from resift.rerank.scorer import Scorer
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.lookup import open_folder
from resift.rerank.template import Template
from resift.rerank.template_budget import cut_by_model
from resift.rerank.training.distillation.bi_encoder import BiEncoder, is_bi_encoder
from resift.rerank.training.distillation.candidates import CandidateFinder, CandidateList
from resift.rerank.training.distillation.consumption import Consumption
from resift.rerank.training.distillation.documents import DocumentPool, FirstStage
from resift.rerank.training.distillation.inputs import dev_queries, given_queries, index_facts, open_target
from resift.rerank.training.distillation.queries import TrainingQuery, choose_queries
from resift.rerank.training.distillation.request import DistillRequest, DistillStages
from resift.rerank.training.distillation.scores import ListFile, score_lists, write_lists
from resift.rerank.training.distillation.teachers import FIRST_STAGE_TEACHER, Member, Teacher
from resift.rerank.training.distillation.work_folder import WorkFolder, file_print, model_print
from resift.rerank.training.reports import Reports
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.wording import counted

QUERIES, CANDIDATES, SCORES = "queries.jsonl", "candidates.jsonl", "scores.jsonl"
"""The files of the stages; `SCORES` has labelled lists, which `resift train` reads too."""

_OF_QUERIES = ("made_share", "max_queries", "held_out_share", "seed")
_OF_CANDIDATES = ("head_depth", "head_documents", "middle_documents", "random_documents", "positive_documents")


class Preparation:
    """Makes queries, candidates and scores, or resumes where an earlier process stopped."""

    def __init__(
        self,
        request: DistillRequest,
        stages: DistillStages,
        work: WorkFolder,
        reports: Reports,
        consumption: Consumption,
    ) -> None:
        """Prepare what `request` asks for in `work`; the energy of the scoring is added to `consumption`."""
        self.request, self.stages, self.work, self.reports = request, stages, work, reports
        self._consumption = consumption
        self.settings = stages.distill
        self._opened: tuple[FirstStage, DocumentPool] | None = None

    def scores(self) -> ListFile:
        """Return the lists with the teacher's scores, after making whatever of them is missing.

        If only the held-out lists are scored first, the others are those of the candidates, without labels. Raises
        ResiftError.
        """
        lists = self.candidates(self.queries())
        teacher_facts = self.teacher_facts()
        path = self.work.path / SCORES
        facts = {
            "candidates": file_print(lists.path),
            "teacher": teacher_facts,
            "weights": self.settings.teacher_weights,
            "scored": self.settings.scored,
            "pair tokens": self.settings.pair_tokens,
        }
        self.work.begin("scores", facts, [SCORES, f"{SCORES}.blocks"])
        wanted: Sequence[CandidateList] | ListFile = lists
        if self.settings.scored == "held-out":
            wanted = [one for one in lists if one.held_out]
        self._score(wanted, path)
        return ListFile(path)

    def _score(self, wanted: Sequence[CandidateList] | ListFile, path: Path) -> None:
        """Score what is missing; the energy is measured from the loading of the teacher on."""
        with ExitStack() as measuring, self.reports.progress("scoring", len(wanted)) as done:

            def load() -> Teacher:
                measuring.enter_context(self._consumption.measured())
                return self.teacher()

            def scored(count: int) -> None:
                done(count)
                self._consumption.keep()

            score_lists(wanted, _Lazily(load), path, scored)

    def queries(self) -> list[TrainingQuery]:
        """Return the queries to distil on.

        Raises SettingsError if there are too few, and CorpusError or EngineError if something cannot be read.
        """
        first_stage = open_target(self.request, self.stages, self.work, self.reports)
        given = given_queries(self.request, self.stages, self.reports)
        barred = sorted(set(dev_queries(self.request, self.reports)))
        facts = {name: getattr(self.settings, name) for name in _OF_QUERIES} | index_facts(self.request, self.work)
        facts |= {"given queries": _sum([one.to_json() for one in given]), "dev queries": _sum(barred)}
        facts["template"] = [self.stages.rerank.template, self.stages.rerank.html]
        self.work.begin("queries", facts, [QUERIES])
        path = self.work.path / QUERIES
        self._opened = None
        if not path.exists():
            pool = DocumentPool(first_stage, self.settings.seed)
            self._opened = first_stage, pool
            template = self._template()
            chosen = choose_queries(given, pool, self.settings, template, barred)
            write_file(path, (json.dumps(one.to_json(), ensure_ascii=False) + "\n" for one in chosen))
        with path.open(encoding="utf-8") as file:
            return [TrainingQuery.from_json(json.loads(line)) for line in file]

    def candidates(self, queries: Sequence[TrainingQuery]) -> ListFile:
        """Return the candidates of `queries`.

        Raises SettingsError if no query has two, and EngineError if the index cannot be read.
        """
        facts = {name: getattr(self.settings, name) for name in _OF_CANDIDATES}
        facts |= {"queries": file_print(self.work.path / QUERIES), "depth": self.stages.search.depth}
        self.work.begin("candidates", facts, [CANDIDATES])
        path = self.work.path / CANDIDATES
        if not path.exists():
            first_stage, pool = self._opened or self._open()
            template = self._template()
            finder = CandidateFinder(first_stage, pool, template, self.settings, self.stages.search.depth)
            part = path.with_name(f".{path.name}.part")
            with self.reports.progress("searching", len(queries)) as done:
                count = write_lists(part, finder.find(queries), done)
            if not count:
                raise SettingsError("no query has two candidates; give other queries, or more documents", "queries")
            part.replace(path)
            part.with_name(part.name + ".blocks").unlink()
            self._note(queries, count, finder)
        return ListFile(path)

    def _template(self) -> Template:
        """Return what builds the texts that all models read; the tokenizer of the first teacher cuts their fields."""
        read = self.stages.rerank
        return Template(read.template, read.html, cut_by_model(self.request.teacher[0], self.stages.scorer))

    def teacher(self) -> Teacher:
        """Load the models of the teacher. Raises ModelError and SettingsError."""
        weights = self._weights()
        return Teacher(
            [
                Member(name, None if name == FIRST_STAGE_TEACHER else self._scorer(name, first=not place), weight)
                for place, (name, weight) in enumerate(zip(self.request.teacher, weights, strict=True))
            ]
        )

    def _scorer(self, name: str, first: bool) -> Scorer:
        """Load one model of the teacher; the first one is to be a cross-encoder, whose logits the students learn."""
        settings = dataclasses.replace(self.stages.scorer, model=name)
        folder = open_folder(name, settings)
        if is_bi_encoder(folder.path):
            if first:
                raise ModelError(
                    "is a bi-encoder, whose cosines are no logits; name a cross-encoder as the first teacher, and this "
                    "one after it",
                    name,
                )
            from resift.rerank.scorers.torch_backend import choose_device

            device = str(choose_device(settings.device))
            return BiEncoder(folder.path, self.settings.pair_tokens, settings.threads, device)
        longest = min(self.settings.pair_tokens, folder.window(settings.max_length))
        return load_scorer(name, dataclasses.replace(settings, max_length=longest))

    def teacher_facts(self) -> list[str]:
        """Return what changes with the weights of each model of the teacher."""
        return [
            name if name == FIRST_STAGE_TEACHER else model_print(open_folder(name, self.stages.scorer).path)
            for name in self.request.teacher
        ]

    def _weights(self) -> list[float]:
        given, count = self.settings.teacher_weights, len(self.request.teacher)
        try:
            weights = [1.0] * count if given is None else [float(part) for part in given.split(",")]
        except ValueError:
            weights = []
        if len(weights) != count:
            raise SettingsError(
                f"{given!r}: expected {counted(count, 'number')} separated by commas, as many as teachers",
                "teacher_weights",
            )
        return weights

    def _open(self) -> tuple[FirstStage, DocumentPool]:
        first_stage = open_target(self.request, self.stages, self.work, self.reports)
        return first_stage, DocumentPool(first_stage, self.settings.seed)

    def _note(self, queries: Sequence[TrainingQuery], count: int, finder: CandidateFinder) -> None:
        origins = [one.origin for one in queries]
        parts = [f"{origins.count(name):,} {name}" for name in ("given", "title", "sentence") if name in origins]
        self.reports.note(f"{counted(len(queries), 'query', 'queries')} ({', '.join(parts)})")
        if count < len(queries):
            what = counted(len(queries) - count, "query has", "queries have")
            self.reports.note(f"note: {what} fewer than two candidates and cannot be used")
        if finder.missing:
            what = counted(finder.missing, "judged relevant document is", "judged relevant documents are")
            self.reports.note(f"note: {what} not in the index")


class _Lazily(Teacher):
    """A teacher whose models are loaded when the first list is scored: a finished file needs none."""

    def __init__(self, load: Callable[[], Teacher]) -> None:
        """Load the teacher by `load` when it is needed."""
        self._load = load
        self._loaded: Teacher | None = None

    def score(self, lists: Sequence[CandidateList]) -> list[tuple[float, ...]]:
        """Return the labels of the candidates of each list, as the loaded teacher gives them."""
        self._loaded = self._loaded or self._load()
        return self._loaded.score(lists)


def _sum(values: object) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
