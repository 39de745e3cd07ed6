"""Write what a training made beside the model: the record, the log, the curves, and the texts that were trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from resift.rerank.model_template import store_template
from resift.rerank.scorers.card import read_card
from resift.rerank.training.finetuning.curves import draw_curves
from resift.rerank.training.finetuning.dev_sets import MEASURED
from resift.rerank.training.finetuning.hub_copy import HUB
from resift.rerank.training.finetuning.inputs import Inputs
from resift.rerank.training.finetuning.log import write_log
from resift.rerank.training.finetuning.losses import TABLE
from resift.rerank.training.finetuning.promotion import write_candidates
from resift.rerank.training.finetuning.request import TrainRequest
from resift.rerank.training.finetuning.rows import as_lists, relevant
from resift.rerank.training.finetuning.run import Trained
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.finetuning.sources import DataSource, revision_of
from resift.rerank.training.quiet_libraries import quiet_libraries
from resift.rerank.training.record import (
    Evaluation,
    ModelFacts,
    RunRecord,
    Source,
    TrainingTexts,
    describe,
    shape_of,
    versions_of,
    write_record,
)
from resift.retrieval.file_hash import sha256_of

CURVES = "training/curves.svg"
"""The picture of the curves, in the model's folder; there is a PNG beside it."""

_LIBRARIES = ("sentence-transformers", "transformers", "torch", "accelerate", "datasets", "tokenizers")


def write_outcome(trained: Trained) -> RunRecord:
    """Write the record, the training texts, the log and the curves into the model's folder, and return the record.

    `resift.rerank.training.finetuning.request.finish` ends the training, once the model is exported and judged. Raises
    OSError and ModelError.
    """
    request = trained.inputs.request
    write_log(request.work, trained.log)
    baselines = {one.name: one.first_stage["ndcg@10"] for one in trained.inputs.sets}
    pictures = [request.out / CURVES, (request.out / CURVES).with_suffix(".png")]
    for path in [*pictures, *([request.curves] if request.curves else [])]:
        draw_curves(path, trained.log, first_stage=baselines, kept=trained.best_step)
    held_out = [
        one for one in trained.inputs.sets if trained.inputs.prepared.held_out and one.name == request.held_out_name
    ]
    for one in held_out:
        write_candidates(one, request.work)
    texts = TrainingTexts.read(trained.inputs.base_folder) or TrainingTexts()
    for example in as_lists(trained.inputs.prepared.train):
        texts.add(example.query, relevant(example))
    texts.save(request.out)
    store_template(request.out, request.template)
    record = make_record(trained)
    write_record(request.out, record)
    return record


def make_record(trained: Trained) -> RunRecord:
    """Return the record of a training."""
    inputs, settings = trained.inputs, trained.inputs.settings
    loss = TABLE[inputs.prepared.loss]
    used = dataclasses.replace(settings, loss=inputs.prepared.loss)
    return RunRecord(
        command="resift train",
        model=_facts(trained),
        base=inputs.base,
        recipe=inputs.request.recipe,
        training=_training_sources(inputs, _counter(trained.model)),
        evaluation=_evaluation_sources(inputs),
        loss=loss.class_name,
        loss_parameters={
            **inputs.loss_parameters,
            "activation_fn": f"torch.nn.{inputs.loss_parameters['activation_fn']}",
        },
        settings={**dataclasses.asdict(used), **inputs.request.reading, "trainer": trained.arguments},
        changed=_changed(settings, inputs.request),
        log=trained.log,
        best_step=trained.best_step,
        trained_share=trained.kept.share,
        evaluations=_evaluations(trained),
        seconds=trained.seconds,
        energy=trained.energy,
        versions=versions_of(_LIBRARIES),
        pictures={CURVES: "The training loss, and ndcg@10 on the dev sets, over the steps."},
        started=trained.started,
        seed=settings.seed,
    )


def kept_row(trained: Trained) -> Mapping[str, float]:
    """Return the dev values of the model that was kept: those of its weights or step, or of the last evaluation."""
    if trained.kept.values:
        return trained.kept.values
    evaluated = [row for row in trained.log if row.values and row.step > 0]
    best = [row for row in evaluated if row.step == trained.best_step]
    return (best or evaluated or trained.log[-1:])[-1].values if trained.log else {}


def _evaluations(trained: Trained) -> tuple[Evaluation, ...]:
    values, found = kept_row(trained), []
    sets = trained.inputs.sets
    for one in sets:
        of_set = {name: values[f"{one.name}_{name}"] for name in one.first_stage if f"{one.name}_{name}" in values}
        facts = {"candidates": one.protocol, "queries": len(one.queries)}
        found.append(Evaluation(one.name, "DevEvaluator", of_set, one.first_stage, parameters=facts))
    averaged = [one for one in sets if one.mean_name]
    mean_name = averaged[0].mean_name if averaged else ""
    mean = {name: values[f"{mean_name}_{name}"] for name in MEASURED if f"{mean_name}_{name}" in values}
    if mean:
        first = {name: sum(one.first_stage[name] for one in averaged) / len(averaged) for name in mean}
        names = {"dataset_names": [one.name for one in averaged]}
        found.append(Evaluation(mean_name, "DevEvaluator", mean, first, "Cross Encoder Nano BEIR", parameters=names))
    return tuple(found)


def _facts(trained: Trained) -> ModelFacts:
    request, model = trained.inputs.request, trained.model
    card = read_card(trained.inputs.base_folder)
    return ModelFacts(
        name=request.title or request.out.name,
        max_length=_max_length(model),
        parameters=sum(int(one.numel()) for one in model.parameters()),
        shape=shape_of(model.config),
        architecture=str(model),
        activation=TABLE[trained.inputs.prepared.loss].display,
        languages=request.languages or card.get("language", ()),
        licence=request.licence or next(iter(card.get("license", ())), ""),
    )


def _max_length(model: Any) -> int:  # noqa: ANN401
    """Return the maximum tokens of a pair; the property was renamed in sentence-transformers 6."""
    name = "max_seq_length" if hasattr(type(model), "max_seq_length") else "max_length"
    return int(getattr(model, name) or 0)


def _training_sources(inputs: Inputs, count: Callable[[Sequence[str]], Sequence[int]]) -> tuple[Source, ...]:
    """Return the description of the rows: under the source's name if there is one source, else of all together."""
    sources = inputs.request.data
    facts = _source_facts(sources[0], inputs) if len(sources) == 1 else {}
    name = ", ".join(source.name for source in sources)
    with quiet_libraries():
        return (describe(name, inputs.rows, count, form=TABLE[inputs.prepared.loss].rows, **facts),)


def _evaluation_sources(inputs: Inputs) -> tuple[Source, ...]:
    return tuple(Source(one.name, len(one.queries), form="queries with candidates") for one in inputs.sets)


def _source_facts(source: DataSource, inputs: Inputs) -> dict[str, str]:
    facts = {"licence": source.licence, "attribution": source.attribution}
    if source.source.startswith(HUB):
        return {**facts, "hub": source.name, "revision": revision_of(source, inputs.request.copy)}
    path = Path(source.source)
    return {**facts, "location": source.source, "sha256": sha256_of(path) if path.is_file() else ""}


def _counter(model: Any) -> Callable[[Sequence[str]], Sequence[int]]:  # noqa: ANN401
    def count(texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in model.tokenizer(list(texts), add_special_tokens=True)["input_ids"]]

    return count


def _changed(settings: TrainSettings, request: TrainRequest) -> dict[str, Any]:
    defaults = dataclasses.asdict(TrainSettings()) | TrainRequest(request.data, request.out).reading
    used = dataclasses.asdict(settings) | request.reading
    return {name: value for name, value in used.items() if value != defaults[name]}
