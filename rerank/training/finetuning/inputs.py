"""What a training reads, prepared: the rows of the data, the dev sets, and the folder of the base."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.examples import Example, LabelledList
from resift.rerank.training.finetuning.base import find_base
from resift.rerank.training.finetuning.dev_sets import (
    MEASURED,
    DevRequest,
    EvaluationSet,
    held_out_set,
    judged_sets,
)
from resift.rerank.training.finetuning.hub_copy import NANOBEIR_HUB, HubPart, data_folder
from resift.rerank.training.finetuning.losses import TABLE, check_form
from resift.rerank.training.finetuning.preparation import Prepared, prepare
from resift.rerank.training.finetuning.processes import rank
from resift.rerank.training.finetuning.raised_scores import raised_scores
from resift.rerank.training.finetuning.request import TrainRequest, check_inputs, discard, open_output
from resift.rerank.training.finetuning.rows import Row, make_rows, positive_share
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.finetuning.sources import fingerprint, read_sources
from resift.rerank.training.record import LogRow, Origin
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.near_names import suggestion
from resift.retrieval.wording import counted


class Shown:
    """Passes the number of steps on to what shows them, once that is there."""

    def __init__(self) -> None:
        """Begin without anything that shows them."""
        self.show: Callable[[int], None] = lambda done: None

    def __call__(self, done: int) -> None:
        """Show that `done` steps are done."""
        self.show(done)


@dataclass(frozen=True, slots=True)
class Watchers:
    """What is called during a training: `steps` with the number of steps done, `row` with each evaluated row."""

    steps: Callable[[int], None]
    row: Callable[[LogRow], None]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a training reads. `sets` are the dev sets, on process 0 alone; `loss_parameters` are plain values."""

    request: TrainRequest
    settings: TrainSettings
    prepared: Prepared
    rows: list[Row]
    loss_parameters: dict[str, Any]
    sets: list[EvaluationSet]
    base: Origin
    base_folder: Path

    @property
    def base_has_head(self) -> bool:
        """Whether the base is a reranker already, and not a language model alone."""
        return read_folder(self.base_folder).has_head

    @property
    def metric(self) -> str | None:
        """The name of the value that chooses the best checkpoint, None if nothing evaluates."""
        if not self.request.dev and not self.prepared.held_out:
            return None
        return self.settings.metric or first_metric(self.request, bool(self.prepared.held_out))


def read_inputs(request: TrainRequest, settings: TrainSettings, reports: Reports) -> Inputs:
    """Return what the training reads; the folder of the model is made, or checked if the training is resumed.

    Whether the loss takes the data is checked first. Raises ResiftError.
    """
    check_inputs(request)
    check_form(settings.loss, _first(request))
    base_folder, base = find_base(request.base, request.copy)
    part = held_out_part(request, settings)
    kept = (request.skip_bad, part, settings.pair_negatives, settings.seed, settings.loss, settings.label_boost)
    mark = fingerprint(request.data, request.copy, *kept)
    if rank() == 0:
        open_output(request, settings, mark)
    try:
        return _read(request, settings, f"{mark} {request.html} {request.template}", (base_folder, base), reports)
    except BaseException:
        if rank() == 0 and not request.resume:
            discard(request)  # nothing was trained yet, so that the next try begins anew
        raise


def _first(request: TrainRequest) -> Example:
    """Return the first good example. Raises CorpusError: the first bad record's, if there are only bad ones."""
    bad: list[CorpusError] = []
    try:
        return next(read_sources(request.data, request.texts(), request.copy, bad.append))
    except (CorpusError, StopIteration) as error:
        raise bad[0] if bad else error from None


def _read(
    request: TrainRequest, settings: TrainSettings, mark: str, base: tuple[Path, Origin], reports: Reports
) -> Inputs:
    prepared = _prepared(request, settings, mark, base[0], reports)
    loss = TABLE[prepared.loss]
    size, rate = settings.batch_size or loss.batch_size, settings.learning_rate or loss.learning_rate
    dropout = loss.dropout if settings.dropout is None else settings.dropout
    settings = dataclasses.replace(settings, batch_size=size, learning_rate=rate, dropout=dropout)
    rows = list(make_rows(prepared.train, loss))
    weight = settings.pos_weight
    if loss.labels == "probability":
        _check_both_labels(rows)
        weight = weight or positive_share(rows)
    sets = _dev_sets(request, settings, prepared, base[0], reports) if rank() == 0 else []
    parameters = loss.parameters(settings, weight)
    inputs = Inputs(request, settings, prepared, rows, parameters, sets, base[1], base[0])
    if sets:
        _check_metric(inputs)
    return inputs


def _check_metric(inputs: Inputs) -> None:
    """Raise SettingsError if no dev set has the value that is to choose the best checkpoint."""
    averaged = [one.mean_name for one in inputs.sets if one.mean_name]
    names = [one.name for one in inputs.sets] + averaged[1:2]
    known = [f"{name}_{measure}" for name in names for measure in reversed(MEASURED)]
    if inputs.metric not in known:
        near = suggestion(str(inputs.metric), known) or f"; expected one of {', '.join(known)}"
        raise SettingsError(f"{inputs.metric!r} is not a value of the dev sets{near}", "metric")


def held_out_part(request: TrainRequest, settings: TrainSettings) -> float | None:
    """Return the part of the queries that is held out; None without settings and dev sets: their number decides."""
    if settings.held_out is not None:
        return settings.held_out
    return 0.0 if request.dev else None


def first_metric(request: TrainRequest, held_out: bool) -> str:
    """Return the name of the ndcg@10 of the first dev set: the held-out part if there is one."""
    if held_out:
        return f"{request.held_out_name}_ndcg@10"
    from resift.rerank.evaluation.datasets import resolve

    first = resolve(request.dev[0])[0]
    return f"Nano{first.name}_R{request.depth}_ndcg@10" if first.folder is None else f"{first.name}_ndcg@10"


def _prepared(
    request: TrainRequest, settings: TrainSettings, mark: str, base_folder: Path, reports: Reports
) -> Prepared:
    bad: list[CorpusError] = []

    def read() -> list[Example]:
        on_bad = bad.append if request.skip_bad else None
        return list(read_sources(request.data, request.texts(base_folder), request.copy, on_bad))

    def raised(examples: Sequence[Example]) -> list[LabelledList]:
        scorer = load_scorer(str(base_folder), ScorerSettings(max_length=settings.train_length, offline=True))
        with reports.progress("scoring the data with the base") as scored:
            return raised_scores(examples, scorer, settings.label_boost, scored)

    keeps = settings.label_boost > 0 and read_folder(base_folder).has_head
    with reports.progress("reading the data, and searching it for negatives") as done:
        settings = dataclasses.replace(settings, held_out=held_out_part(request, settings))
        prepared = prepare(request.work, mark, read, settings, raised if keeps else None, done)
    if bad:
        reports.note(f"note: {counted(len(bad), 'bad record')} left out; the first: {bad[0]}")
    return prepared


def _dev_sets(
    request: TrainRequest, settings: TrainSettings, prepared: Prepared, base_folder: Path, reports: Reports
) -> list[EvaluationSet]:
    sets: list[EvaluationSet] = []
    if prepared.held_out:
        with reports.progress("searching candidates of the held-out queries") as done:
            named = request.held_out_name
            sets.append(
                held_out_set(named, prepared.held_out, prepared.train, settings.held_out_candidates, progress=done)
            )
    for target in request.dev:
        nanobeir = target.lower().partition(":")[0] == "nanobeir"
        root = _nanobeir_root(request) if nanobeir else None
        with reports.progress(f"searching candidates of {target}"):
            sets += judged_sets(DevRequest(target, root=root, depth=request.depth), request.texts(base_folder))
    names = [one.name for one in sets]
    if len(set(names)) < len(names):
        raise SettingsError(f"two dev sets have the same name ({', '.join(names)}); name each once", "dev")
    return sets


def _nanobeir_root(request: TrainRequest) -> Path | None:
    part = HubPart(NANOBEIR_HUB, None, request.copy)
    return part.folder_in_copy() or data_folder(part, ("corpus/*", "queries/*", "qrels/*", "bm25/*"))


def _check_both_labels(rows: Sequence[Row]) -> None:
    labels = {row["label"] for row in rows}
    if len(labels) == 1:
        raise SettingsError(
            f"all labels are {next(iter(labels)):g}, from which nothing can be learned; mine negatives first, or set "
            "`pair_negatives` above 0",
            "loss",
        )
