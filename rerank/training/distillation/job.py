"""A whole distillation: scores, students, training, and what is written beside each student; resumable as a whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resift.rerank.training.distillation.consumption import ENERGY, Consumption
from resift.rerank.training.distillation.loading import Network, is_bert, load_network
from resift.rerank.training.distillation.outcome import StudentReport, StudentWriter, TrainingLists
from resift.rerank.training.distillation.progress import Progress
from resift.rerank.training.distillation.request import DistillRequest, DistillStages
from resift.rerank.training.distillation.scores import ListFile
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.distillation.stages import CANDIDATES, SCORES, Preparation
from resift.rerank.training.distillation.students import TEACHER, Student, make_student
from resift.rerank.training.distillation.work_folder import WorkFolder, file_print, model_print
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line

if TYPE_CHECKING:
    from resift.rerank.training.distillation.batches import Batch
    from resift.rerank.training.distillation.trainer import Trainer

CHECKPOINT = "training.pt"
"""The file in the work folder from which a training resumes."""

_VERIFIED_PAIRS = 24
_RESEMBLES = 0.5  # of the variance of a layer's states that may be missed

_OF_TRAINING = (
    *("refit", "refit_pairs", "epochs", "group_size", "step_groups", "pair_tokens", "lengths", "logit_weight"),
    *("margin_weight", "states_weight", "label_weight", "learning_rate", "fresh_rate", "warmup", "cool_down"),
    *("weight_decay", "max_grad_norm", "frozen_words", "seed"),
)


@dataclass(frozen=True, slots=True)
class Distilled:
    """What a distillation made: a report of each student, and the file of the teacher's scores."""

    students: tuple[StudentReport, ...]
    scores: Path

    def to_json(self) -> dict[str, Any]:
        """Return the reports as a JSON object."""
        return {"scores": str(self.scores), "students": [one.to_json() for one in self.students]}


class Distillation:
    """Runs a distillation, or resumes it: a finished stage is not repeated, a stopped one continues."""

    def __init__(self, request: DistillRequest, stages: DistillStages, reports: Reports | None = None) -> None:
        """Run what `request` asks for, with the settings of `stages`."""
        self.request, self.stages, self.reports = request, stages, reports or Reports()
        self.settings: DistillSettings = stages.distill
        self._loaded: Network | None = None

    def run(self) -> Distilled:
        """Make the students and return their reports.

        Raises SettingsError if the work folder has something else, or a setting does not fit; and ModelError,
        CorpusError, EngineError or OSError if a part cannot be read or written.
        """
        self.request.check()
        _check_libraries()
        if not self.request.dev:
            self.reports.note("note: without dev sets no fusion is fitted, and nothing judges the students (`dev`)")
        work = WorkFolder(self.request.work_folder())
        with work.locked():
            consumption = self._consumption(work)
            preparation = Preparation(self.request, self.stages, work, self.reports, consumption)
            scored = preparation.scores()
            students = self._students()
            self._begin(work, preparation, students)
            lists = self._lists(scored, work)
            progress = self._train(work, students, lists, consumption)
            writer = StudentWriter(self.request, self.stages, self.reports, progress, lists, consumption.total)
            reports = [writer.write(student) for student in students]
        return Distilled(tuple(reports), work.path / SCORES)

    def _consumption(self, work: WorkFolder) -> Consumption:
        return Consumption(
            work.path / ENERGY,
            begun=any((work.path / name).exists() for name in (SCORES, CHECKPOINT)),
            country=self.request.country,
            enabled=self.request.energy,
            note=self.reports.note,
        )

    def _begin(self, work: WorkFolder, preparation: Preparation, students: Sequence[Student]) -> None:
        facts: dict[str, Any] = {name: getattr(self.settings, name) for name in _OF_TRAINING}
        facts["scores"] = file_print(work.path / SCORES)
        facts["teacher"] = preparation.teacher_facts()
        facts["students"] = {student.name: self.request.student[place] for place, student in enumerate(students)}
        facts["bases"] = [model_print(student.network.folder.path) for student in students]
        work.begin("training", facts, [CHECKPOINT])

    def _students(self) -> list[Student]:
        plans = self.request.plans()
        first = self.request.teacher[0]
        needed = any(plan.shape is not None or plan.base in (TEACHER, first) for plan in plans)
        teacher = self._teacher() if needed or self._scores_later else None
        return [
            make_student(
                dataclasses.replace(plan, base=TEACHER) if plan.base == first else plan,
                teacher,
                self.stages.scorer,
                self.settings.refit,
            )
            for plan in plans
        ]

    @property
    def _scores_later(self) -> bool:
        """Whether the teacher's logits are computed during the training."""
        return self.settings.scored == "held-out" or self.settings.lengths is not None

    def _teacher(self) -> Network:
        """Return the weights of the first teacher, loaded once."""
        if self._loaded is None:
            self._loaded = load_network(self.request.teacher[0], self.stages.scorer)
        return self._loaded

    def _lists(self, scored: ListFile, work: WorkFolder) -> TrainingLists:
        if self.settings.scored == "held-out":
            candidates = ListFile(work.path / CANDIDATES)
            places = [place for place, one in enumerate(candidates) if not one.held_out]
            return TrainingLists(candidates, places, list(scored))
        marks = [one.held_out for one in scored]
        held_out = [scored[place] for place, mark in enumerate(marks) if mark]
        return TrainingLists(scored, [place for place, mark in enumerate(marks) if not mark], held_out)

    def _train(
        self, work: WorkFolder, students: list[Student], lists: TrainingLists, consumption: Consumption
    ) -> Progress:
        """Train the students in place, from the checkpoint in the work folder if there is one.

        Those whose states turn out not to be the teacher's are replaced in the list by what does not compare them.
        """
        from resift.rerank.scorers.torch_backend import choose_device
        from resift.rerank.training.distillation.drawing import Drawing
        from resift.rerank.training.distillation.learner import Learner
        from resift.rerank.training.distillation.trainer import Trainer

        device = str(choose_device(self.stages.scorer.device))
        self._set_threads()
        online = self._online(students)
        if online is not None:
            students[:] = [self._verified(student, online.network, lists, device) for student in students]
            online = self._online(students)
        path = work.path / CHECKPOINT
        with ExitStack() as measuring:
            if online is not None and not path.exists():
                measuring.enter_context(consumption.measured())
                for student in students:
                    if student.reduced and self.settings.refit:
                        self._refit(student, online.network, lists, device)
            learners = [Learner(student, self.settings, device) for student in students]
            drawing = Drawing(lists.file, lists.places, self.settings.seed)
            trainer = Trainer(learners, drawing, lists.held_out, self.settings, path, online)
            trainer.save()  # so that a fit of the layers is not repeated
            if trainer.progress.step < trainer.schedule.steps:
                measuring.enter_context(consumption.measured())
            return self._run(trainer, consumption)

    def _run(self, trainer: Trainer, consumption: Consumption) -> Progress:
        total = trainer.schedule.steps * self.settings.step_groups * self.settings.group_size
        with self.reports.progress("training", total) as done:

            def trained(pairs: int) -> None:
                done(pairs)
                consumption.keep()

            return trainer.run(trained)

    def _online(self, students: Sequence[Student]) -> Any:  # noqa: ANN401 - an Online, which imports torch
        """Return the teacher that runs during the training; None if no student compares its states with it.

        Raises SettingsError if its logits are needed and there are several teachers, or it is not a BERT.
        """
        from resift.rerank.training.distillation.trainer import Online

        compared = self.settings.states_weight > 0 and any(student.matched for student in students)
        fitted = self.settings.refit and any(student.reduced for student in students)
        if not (compared or fitted or self._scores_later):
            return None
        network, single = self._teacher(), len(self.request.teacher) == 1
        if self._scores_later and not single:
            name = "scored" if self.settings.scored == "held-out" else "lengths"
            raise SettingsError("several teachers cannot score during the training; score all, at one length", name)
        if not is_bert(network.model) and (compared or fitted):
            return None
        return Online(network, targets=single)

    def _refit(self, student: Student, teacher: Network, lists: TrainingLists, device: str) -> None:
        from resift.rerank.training.distillation.refit import refit

        batches = self._first_batches(student, teacher, lists, self.settings.refit_pairs, device)
        with self.reports.progress(f"fitting {student.name}", len(student.matched)) as done:
            refit(student.network.model, teacher.model, student.matched, batches, done)

    def _verified(self, student: Student, teacher: Network, lists: TrainingLists, device: str) -> Student:
        """Return the student without the layers that it was supposed to stand for, if its states do not resemble them.

        They do if each of its layers explains half of the variance of the teacher's.
        """
        if not (student.supposed and student.matched):
            return student
        from resift.rerank.training.distillation.refit import unexplained

        batches = self._first_batches(student, teacher, lists, _VERIFIED_PAIRS, device)
        missed = unexplained(student.network.model, teacher.model, student.matched, batches)
        return student if max(missed) < _RESEMBLES else dataclasses.replace(student, matched=())

    def _first_batches(
        self, student: Student, teacher: Network, lists: TrainingLists, count: int, device: str
    ) -> list[Batch]:
        """Move both models to `device`, and return batches of the first `count` pairs to train on."""
        from resift.rerank.training.distillation.batches import TokenBatches

        pairs: list[tuple[str, str]] = []
        for place in lists.places:
            one = lists.file[place]
            pairs += [(one.query, candidate.text) for candidate in one.candidates]
            if len(pairs) >= count:
                break
        encoder = student.network.encoder(self.settings.pair_tokens)
        student.network.model.to(device)
        teacher.model.to(device)
        return [batch for _, batch in TokenBatches.of(encoder, pairs[:count], self.settings.mini_batch, device)]

    def _set_threads(self) -> None:
        import torch

        if self.stages.scorer.threads is not None:
            torch.set_num_threads(self.stages.scorer.threads)


def _check_libraries() -> None:
    """Raise ModelError if a library that the training, or what is written after it, needs is not installed."""
    for name in ("torch", "transformers", "datasets", "sentence_transformers"):
        if find_spec(name) is None:
            raise ModelError(f"a distillation needs {name.replace('_', '-')}: {install_line('train')}")
