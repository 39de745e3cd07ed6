"""What a user asks of a distillation: the target, the teachers, the students, and where the results go."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from resift.indexer.corpora import CorpusSettings, QuerySettings
from resift.rerank.evaluation.evaluator import names_index
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings, SearchSettings
from resift.rerank.stages import SearchStages
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.distillation.students import StudentPlan, read_plan
from resift.rerank.training.gate.settings import GateSettings
from resift.retrieval.atomic_file import write_file
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.text_lines import STANDARD_INPUT


@dataclass(frozen=True, slots=True)
class DistillRequest:
    """What is distilled.

    `target`: an index, or a corpus of which one is made in the work folder. `teacher`: one or several models, the
    first a cross-encoder; "first-stage" as a later one is the first stage's own score. `student`: what each student
    begins from, as `resift.rerank.training.distillation.students.read_plan` reads it. `out`: the folder of the
    student, or of a folder for each of several. `queries`, `qrels`: files. `split`: the judgements of a BEIR folder
    to train on, train if not given. `dev`: judged collections that measure the students and whose queries are not
    trained on. `work`: the folder of what can be resumed; beside `out` if not given. `force`: promote a student
    that does not pass the gate. `energy`: whether the energy is measured, `country` whose electricity it is.
    """

    target: str
    teacher: tuple[str, ...]
    student: tuple[str, ...]
    out: str
    queries: str | None = None
    qrels: str | None = None
    split: str | None = None
    dev: tuple[str, ...] = ()
    work: str | None = None
    force: bool = False
    energy: bool = True
    country: str | None = None

    @property
    def is_index(self) -> bool:
        """Whether the target is an index and not a corpus."""
        return names_index(self.target)

    @property
    def is_beir(self) -> bool:
        """Whether the target is a folder with a corpus and judged queries in the form of BEIR."""
        return not self.is_index and (Path(self.target) / "qrels").is_dir()

    def plans(self) -> list[StudentPlan]:
        """Return the plans of the students. Raises SettingsError if two have the same name."""
        plans = [read_plan(text) for text in self.student]
        names = [plan.name for plan in plans]
        for name in names:
            if names.count(name) > 1:
                raise SettingsError(f"two students are called {name}; name them NAME=MODEL", "student")
        return plans

    def folder_of(self, plan: StudentPlan) -> Path:
        """Return the folder that a student is written to."""
        return Path(self.out) if len(self.student) == 1 else Path(self.out) / plan.name

    def work_folder(self) -> Path:
        """Return the folder of what can be resumed."""
        out = Path(self.out)
        return Path(self.work) if self.work else out.with_name(f"{out.resolve().name}.work")

    def begin_writing(self, plan: StudentPlan) -> None:
        """Note in the work folder that a student's folder is this distillation's own. Raises OSError."""
        write_file(self._note_of(plan), [str(self.folder_of(plan).resolve())])

    def writes(self, plan: StudentPlan) -> bool:
        """Return whether a student's folder was made by this distillation, which may replace it."""
        note = self._note_of(plan)
        return note.exists() and note.read_text(encoding="utf-8") == str(self.folder_of(plan).resolve())

    def _note_of(self, plan: StudentPlan) -> Path:
        return self.work_folder() / f"{plan.name}.folder"

    def check(self) -> None:
        """Raise SettingsError, before any work, for what is missing or cannot belong together."""
        if not self.teacher or not self.student:
            raise SettingsError("expected at least one", "student" if self.teacher else "teacher")
        if self.qrels is not None and self.queries is None:
            raise SettingsError("judgements need the texts of their queries; give `queries` too", "qrels")
        if self.queries is not None and self.queries == self.qrels == STANDARD_INPUT:
            raise SettingsError("two files cannot both be read from standard input; name one of them", "queries")
        if self.split is not None and (self.queries is not None or not self.is_beir):
            raise SettingsError("is for a BEIR folder, without a file of queries; leave it out", "split")
        out, work = Path(self.out).resolve(), self.work_folder().resolve()
        if out == work or out in work.parents and len(self.student) == 1:
            raise SettingsError(f"{work} is in the folder of the student; name another one", "work")
        for plan in self.plans():
            folder = self.folder_of(plan)
            if folder.exists() and not folder.is_dir():
                raise SettingsError(f"{folder} is a file; name a folder", "out")
            if folder.is_dir() and any(folder.iterdir()) and not self.writes(plan):
                raise SettingsError(f"{folder} has other files; name a new folder, or remove it", "out")


@dataclass(frozen=True, slots=True)
class DistillStages:
    """The settings of all that a distillation uses; of `scorer` all but the model, which the request names."""

    distill: DistillSettings = field(default_factory=DistillSettings)
    queries: QuerySettings = field(default_factory=QuerySettings)
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    rerank: RerankSettings = field(default_factory=RerankSettings)
    scorer: ScorerSettings = field(default_factory=ScorerSettings)
    bm25: Bm25Settings = field(default_factory=Bm25Settings)
    connection: ConnectionSettings = field(default_factory=ConnectionSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    gate: GateSettings = field(default_factory=GateSettings)

    def search_stages(self, model: str) -> SearchStages:
        """Return the stages of a search, with `model` as its second."""
        return SearchStages(
            search=self.search,
            rerank=self.rerank,
            scorer=dataclasses.replace(self.scorer, model=model),
            bm25=self.bm25,
            connection=self.connection,
            engine=self.engine,
        )
