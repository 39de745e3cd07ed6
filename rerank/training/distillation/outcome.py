"""Write a finished student with what is known about it: weights, record, trained texts, curve, dev values, card."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resift.rerank.model_template import store_template
from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.curve import CurveFit, fit_curve
from resift.rerank.training.distillation.finishing import can_export, export_pairs, finish, write_model
from resift.rerank.training.distillation.progress import Progress
from resift.rerank.training.distillation.request import DistillRequest, DistillStages
from resift.rerank.training.distillation.scores import ListFile
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.distillation.students import TEACHER, Student, StudentPlan
from resift.rerank.training.distillation.teachers import FIRST_STAGE_TEACHER
from resift.rerank.training.record import (
    Energy,
    LogRow,
    ModelFacts,
    Origin,
    RunRecord,
    TrainingTexts,
    describe,
    origin_of,
    shape_of,
    versions_of,
    write_record,
)
from resift.rerank.training.reports import Reports
from resift.retrieval.atomic_file import write_file
from resift.retrieval.wording import counted

REPORT = "distillation.json"
"""The file in a student's folder with its curve and its log."""

_LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")


@dataclass(frozen=True, slots=True)
class TrainingLists:
    """The lists to train on, as a file with the places of those that are not held out, and the held-out ones."""

    file: ListFile
    places: list[int]
    held_out: list[CandidateList]

    def trained(self) -> Iterator[CandidateList]:
        """Yield the lists that are trained on."""
        return (self.file[place] for place in self.places)


@dataclass(frozen=True, slots=True)
class StudentReport:
    """What is known of a finished student.

    `before`, `after`: its agreement with the teacher on the held-out queries, by name. `held_out`: how many these are.
    `pairs`: how many pairs it read; `seconds`: the training of all students together. `fit`: the power law of its
    error, None with too few measurements. `energy`: that of the teacher's scores and of the training of all students
    together, None if it is not known. `gate`: the verdict on the dev sets, None if there are none.
    """

    name: str
    folder: Path
    parameters: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    held_out: int
    pairs: int
    seconds: float
    fit: CurveFit | None = None
    energy: Energy | None = None
    gate: Any = None

    def expected(self) -> dict[int, float]:
        """Return the error expected with 2, 4 and 10 times as many pairs; empty if the curve has no law."""
        if self.fit is None:
            return {}
        return {times: round(self.fit.expected(self.after["error"], self.pairs, times), 6) for times in (2, 4, 10)}

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values |= {"folder": str(self.folder), "fit": self.fit.to_json() if self.fit else None}
        values["energy"] = None if self.energy is None else dataclasses.asdict(self.energy)
        values["expected"] = {str(times): error for times, error in self.expected().items()}
        return values | {"gate": self.gate.to_json() if self.gate is not None else None}


class StudentWriter:
    """Writes the finished students of one training."""

    def __init__(
        self,
        request: DistillRequest,
        stages: DistillStages,
        reports: Reports,
        progress: Progress,
        lists: TrainingLists,
        energy: Energy | None = None,
    ) -> None:
        """Write students that `progress` describes and that were trained on `lists` with `energy`, None if unknown."""
        self.request, self.stages, self.reports = request, stages, reports
        self.progress, self.lists, self.energy = progress, lists, energy

    def write(self, student: Student) -> StudentReport:
        """Write the folder of a student, measure it on the dev sets, and return its report.

        Raises OSError if it cannot be written, and ResiftError if a dev set cannot be read.
        """
        plan = next(plan for plan in self.request.plans() if plan.name == student.name)
        folder = self.request.folder_of(plan)
        self.request.begin_writing(plan)
        self._save(student, plan, folder)
        report = self._report(student, folder)
        self._write_report(report)
        self._texts().save(folder)
        store_template(folder, self.stages.rerank.template)
        write_record(folder, self._record(student, plan, report))
        base = _base_of(plan)
        gate = finish(folder, base.name if base else None, self.request, self.stages, self.reports)
        report = dataclasses.replace(report, gate=gate)
        self._write_report(report)
        return report

    def _write_report(self, report: StudentReport) -> None:
        curve, log = self._curve(report.name), self._log(report.name)
        content = {"report": report.to_json(), "curve": curve, "log": log}
        write_file(report.folder / REPORT, [json.dumps(content, indent=1, ensure_ascii=False), "\n"])

    def _save(self, student: Student, plan: StudentPlan, folder: Path) -> None:
        pairs = export_pairs(self.lists.trained()) if self.stages.distill.export else []
        plain = self.request.work_folder() / "students" / student.name
        tokens, exported = _window(student, plan, self.stages.distill), can_export(pairs)
        if self.stages.distill.export and not exported:
            self.reports.note("note: there are too few pairs to make int8 weights, so that there is no ONNX")
        with self.reports.progress(f"writing {student.name}"):
            problem = write_model(student.network, tokens, plain, folder, pairs if exported else None)
        if problem:
            self.reports.note(f"note: {student.name} has no ONNX: {problem}")

    def _report(self, student: Student, folder: Path) -> StudentReport:
        rows = self._curve(student.name)
        parameters = sum(int(one.numel()) for one in student.network.model.parameters())
        constant = [row for row in rows if row["rate"] == "constant"]
        return StudentReport(
            name=student.name,
            folder=folder,
            parameters=parameters,
            before=_values(rows[0]) if rows else {},
            after=_values(rows[-1]) if rows else {},
            held_out=len(self.lists.held_out),
            pairs=self.progress.pairs,
            seconds=round(self.progress.seconds, 1),
            energy=self._energy(),
            fit=fit_curve([row["pairs"] for row in constant], [row["error"] for row in constant]),
        )

    def _energy(self) -> Energy | None:
        students = counted(len(self.request.student), "student")
        scope = f"the scores of the teacher, and the training of {students}"
        return None if self.energy is None else dataclasses.replace(self.energy, scope=scope)

    def _curve(self, name: str) -> list[dict[str, Any]]:
        """Return the measurements of a student; `rate` says whether the learning rate had fallen before one."""
        steps = self.progress.step
        falls = steps - round(self.stages.distill.cool_down * steps)
        return [
            {"step": row["step"], "pairs": row["pairs"], "rate": "constant" if row["step"] <= falls else "falling"}
            | row["students"][name]
            for row in self.progress.curve
        ]

    def _log(self, name: str) -> list[dict[str, Any]]:
        rows = self.progress.log
        return [{key: row[key] for key in ("step", "pairs", "rate")} | row["students"][name] for row in rows]

    def _texts(self) -> TrainingTexts:
        texts = TrainingTexts()
        for one in self.lists.trained():
            texts.add(one.query, [candidate.text for candidate in one.candidates if candidate.relevance > 0])
        return texts

    def _record(self, student: Student, plan: StudentPlan, report: StudentReport) -> RunRecord:
        settings = self.stages.distill
        defaults = dataclasses.asdict(DistillSettings())
        used = dataclasses.asdict(settings)
        teachers = tuple(origin_of(name) for name in self.request.teacher if name != FIRST_STAGE_TEACHER)
        rows = (_labelled(one) for one in self.lists.trained())
        return RunRecord(
            command="resift distill",
            model=_facts(student, report, _window(student, plan, settings)),
            base=_base_of(plan),
            begun=_begun(student, plan, settings),
            teachers=teachers,
            training=(describe(Path(self.request.target).name, rows, form="labelled lists"),),
            loss=_loss(student, settings),
            loss_parameters={
                "logits": settings.logit_weight,
                "margins": settings.margin_weight,
                "states": settings.states_weight if student.matched else 0.0,
                "labels": settings.label_weight,
            },
            settings=used,
            changed={name: value for name, value in used.items() if value != defaults[name]},
            log=self._log_rows(student.name),
            seconds={"training": report.seconds},
            energy=report.energy,
            versions=versions_of(_LIBRARIES),
            seed=settings.seed,
        )

    def _log_rows(self, name: str) -> tuple[LogRow, ...]:
        """Return the rows of the log with the held-out agreement where it was measured."""
        settings, steps = self.stages.distill, max(1, self.progress.step)
        found: dict[int, LogRow] = {}
        for row in self._log(name):
            loss = sum(getattr(settings, f"{term}_weight") * row[key] for term, key in _TERMS.items())
            found[row["step"]] = LogRow(settings.epochs * row["step"] / steps, row["step"], round(loss, 6))
        for row in self._curve(name):
            values = {f"held-out_{key}": value for key, value in _values(row).items()}
            epoch = settings.epochs * row["step"] / steps
            found[row["step"]] = dataclasses.replace(found.get(row["step"], LogRow(epoch, row["step"])), values=values)
        return tuple(found[step] for step in sorted(found))


_TERMS = {"logit": "logits", "margin": "margins", "states": "states", "label": "labels"}
"""Name of a weight in the settings -> name of the term in the log."""


def _values(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: row[name] for name in ("error", "pearson", "within", "order")}


def _labelled(one: CandidateList) -> dict[str, Any]:
    values = one.to_json()
    return {name: values[name] for name in ("query", "documents", "labels", "relevance") if name in values}


def _base_of(plan: StudentPlan) -> Origin | None:
    """Return the model that a student must not be worse than: the one that it was, if it kept all of its layers."""
    whole = plan.shape is None and not plan.layers and not plan.count and plan.base != TEACHER
    return Origin(plan.base) if whole else None


def _loss(student: Student, settings: DistillSettings) -> str:
    """Return the terms of the loss that count, in words."""
    states = settings.states_weight if student.matched else 0.0
    weights = {"logits": settings.logit_weight, "margins": settings.margin_weight, "states": states}
    terms = f"MSE of {' and '.join(name for name, weight in weights.items() if weight > 0)}"
    return terms + (", cross-entropy of the judged documents" if settings.label_weight > 0 else "")


def _begun(student: Student, plan: StudentPlan, settings: DistillSettings) -> str:
    """Return what the student began from, in words, if it is not a whole model."""
    if plan.shape is not None:
        return "a BERT with new layers, whose word table is that of the teacher, reduced by PCA"
    if not plan.layers and not plan.count:
        return ""
    base = "the teacher" if plan.base == TEACHER else Path(plan.base).name
    kept = student.network.model.config.num_hidden_layers
    fitted = student.reduced and settings.refit
    return f"{kept} of the layers of {base}" + (", fitted to the states that it has there" if fitted else "")


def _window(student: Student, plan: StudentPlan, settings: DistillSettings) -> int:
    """Return the most tokens of a pair that a student reads: of a whole model its own limit, whatever it learned from.

    Layers of a model, and new ones, read no more than the pairs that they were trained on.
    """
    own = student.network.folder.window(None)
    return own if _base_of(plan) is not None else min(settings.pair_tokens, own)


def _facts(student: Student, report: StudentReport, window: int) -> ModelFacts:
    config, card = student.network.model.config, student.network.folder.card
    return ModelFacts(
        name=student.name,
        max_length=window,
        parameters=report.parameters,
        shape=shape_of(config),
        architecture=type(student.network.model).__name__,
        activation="Identity",
        languages=student.network.folder.languages,
        licence=next(iter(card.get("license", ())), ""),
    )
