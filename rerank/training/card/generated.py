"""The card as sentence-transformers generates it, filled from the record of a training instead of from its trainer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import EvalResult, eval_results_to_model_index
from sentence_transformers.base.model_card import format_duration
from sentence_transformers.cross_encoder import losses
from sentence_transformers.cross_encoder.model_card import CrossEncoderModelCardData

from resift.rerank.training.card.tables import figure, literal, markdown_table, plain, samples_table, statistics_table
from resift.rerank.training.record import Energy, Evaluation, LogRow, RunRecord, Source

_SHORT_LOG = 100
"""Rows of a log that are shown without a click."""

Gate = Mapping[str, Any]


@dataclass
class CardData(CrossEncoderModelCardData):
    """The data of sentence-transformers' card, from a record alone: no model is loaded, and no network is used."""

    record: RunRecord = field(default_factory=lambda: RunRecord("", None))  # type: ignore[arg-type]
    gate: Gate = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return what the template shows, by the names it uses."""
        values: dict[str, Any] = super().to_dict()
        values.pop("record", None)
        values.pop("gate", None)
        values.update(_facts(self.record), **_evaluations(self.record, self.gate, str(self.model_name)))
        values.update(_log(self.record), **_resources(self.record))
        self._cached_dict = values
        return values

    def run_usage_snippet(self) -> None:
        """Leave the scores of the examples as they were set."""

    def get_model_specific_metadata(self) -> dict[str, Any]:
        """Return nothing: `to_dict` adds it from the record."""
        return {}


def generated_card(record: RunRecord, gate: Gate, model_id: str, examples: Sequence[tuple[str, str, float]]) -> str:
    """Return the card of sentence-transformers for `record`.

    `examples` are (query, document, score), one query, for the usage; none if there are none.
    """
    data = CardData(
        language=list(record.model.languages),
        license=record.model.licence or None,
        model_name=record.model.name,
        task_name="text reranking and semantic search",
        tags=_tags(record),
        local_files_only=True,
        generate_widget_examples=False,
        record=record,
        gate=gate,
    )
    data.pipeline_tag = "text-ranking"
    data.model_id = model_id
    data.base_model = record.base.name if record.base and record.base.hub else None
    data.base_model_revision = (record.base.revision or None) if record.base and record.base.hub else None
    data.train_datasets = [_data_set(source, record) for source in record.training]
    data.eval_datasets = [_data_set(source, record) for source in record.evaluation]
    data.datasets = [source.hub for source in record.training if source.hub]
    data.all_hyperparameters = _shown(record.settings)
    data.non_default_hyperparameters = _shown(record.changed)
    data.citations = _citations(record)
    data.best_model_step = record.best_step
    if examples:
        data.usage_examples = [[query, document] for query, document, _ in examples]
        data.similarities = "# [" + " ".join(f"{score:.4f}" for _, _, score in examples) + "]"
    content = str(ModelCard.from_template(data, str(data.template_path)).content)  # type: ignore[arg-type]
    return _measured(content, [*record.training, *record.evaluation])


def _tags(record: RunRecord) -> list[str]:
    tags = ["sentence-transformers", "cross-encoder", "reranker", "resift", "generated_from_trainer"]
    rows = sum(source.rows for source in record.training)
    tags += [f"dataset_size:{rows}"] if rows else []
    return [*tags, f"loss:{record.loss}"] if record.loss else tags


def _facts(record: RunRecord) -> dict[str, Any]:
    versions = {name.lower().replace("-", "_"): version for name, version in record.versions.items()}
    libraries = ("python", "sentence_transformers", "transformers", "torch", "accelerate", "datasets", "tokenizers")
    return {
        "model_max_length": record.model.max_length,
        "model_num_labels": record.model.labels,
        "model_string": record.model.architecture or record.model.shape,
        "supported_modalities": ["Text"],
        "version": {**dict.fromkeys(libraries, "not used"), **versions},
    }


def _evaluations(record: RunRecord, gate: Gate, name: str) -> dict[str, Any]:
    """Return the evaluators' tables, and all measured values for the front matter, those of the gate too."""
    tables = [_evaluation(one) for one in record.evaluations]
    results = [
        _result(one.description, one.name, metric, value)
        for one in record.evaluations
        for metric, value in one.values.items()
    ]
    for one in gate.get("sets", ()):
        for metric, value in one.get("means", {}).get("model", {}).items():
            results.append(_result("Reranking of BM25's candidates", one["name"], metric, value))
    metrics = list(dict.fromkeys(result.metric_type for result in results))
    index = eval_results_to_model_index(name, results) if results else None
    return {"eval_metrics": tables, "metrics": metrics, "model-index": index}


def _result(task: str, name: str, metric: str, value: float) -> EvalResult:
    return EvalResult(
        task_type="text-ranking",
        task_name=task,
        dataset_type=name,
        dataset_name=name.replace("_", " "),
        metric_type=metric,
        metric_name=metric,
        metric_value=float(value),
    )


def _evaluation(one: Evaluation) -> dict[str, Any]:
    rows = []
    for name, value in one.values.items():
        cells = [plain(name), figure(value, one.first_stage.get(name))]
        rows.append([f"**{cell}**" for cell in cells] if name == one.primary else cells)
    return {
        "class_name": one.evaluator,
        "description": one.description,
        "dataset_name": one.name,
        "config_code": _code(one.parameters),
        "table": markdown_table(["Metric", "Value (difference from BM25)" if one.first_stage else "Value"], rows),
    }


def _code(parameters: Mapping[str, Any]) -> str:
    return indent(f"```json\n{json.dumps(dict(parameters), indent=4, default=str)}\n```", "  ") if parameters else ""


def _log(record: RunRecord) -> dict[str, Any]:
    """Return the log as a table; dev values have their difference from BM25 where an evaluation measured it."""
    if not record.log:
        return {"eval_lines": "", "explain_bold_in_eval": False, "hide_eval_lines": False}
    before = {f"{one.name}_{name}": value for one in record.evaluations for name, value in one.first_stage.items()}
    names = list(dict.fromkeys(name for row in record.log for name in row.values))
    rows = [_log_row(row, names, before, row.step == record.best_step) for row in record.log]
    return {
        "eval_lines": markdown_table(["Epoch", "Step", "Training Loss", *map(plain, names)], rows),
        "explain_bold_in_eval": any(row.step == record.best_step for row in record.log),
        "hide_eval_lines": len(rows) > _SHORT_LOG,
    }


def _log_row(row: LogRow, names: Sequence[str], before: Mapping[str, float], best: bool) -> list[str]:
    values = [figure(row.values[name], before.get(name)) if name in row.values else "-" for name in names]
    loss = "-" if row.loss is None else f"{row.loss:.4f}"
    cells = [f"{row.epoch:.4f}", str(row.step), loss, *values]
    return [f"**{cell}**" for cell in cells] if best else cells


def _resources(record: RunRecord) -> dict[str, Any]:
    training, whole = record.seconds.get("training"), sum(record.seconds.values())
    evaluation = record.seconds.get("evaluation")
    times = {
        "training_time": None if training is None else format_duration(training),
        "evaluation_time": None if evaluation is None else format_duration(evaluation),
        "total_time": None if evaluation is None else format_duration(whole),
    }
    return times | ({} if record.energy is None else {"co2_eq_emissions": _emissions(record.energy, record)})


def _emissions(energy: Energy, record: RunRecord) -> dict[str, Any]:
    """Return the emissions as the hub wants them, in grams."""
    values: dict[str, Any] = {
        "emissions": energy.kg_co2 * 1000,
        "energy_consumed": energy.kwh,
        "source": "codecarbon",
        "training_type": "fine-tuning" if record.base else "pre-training",
        "on_cloud": energy.on_cloud,
        "cpu_model": energy.cpu,
        "ram_total_size": energy.ram_gb,
        "hours_used": round(energy.seconds / 3600, 3),
    }
    return {**values, "hardware_used": energy.gpu} if energy.gpu else values


def _data_set(source: Source, record: RunRecord) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": plain(source.name),
        "size": source.rows,
        "columns": [literal(column.name) for column in source.columns],
        "stats_table": _indented(statistics_table(source)),
        "examples_table": _indented(samples_table(source.samples)),
        "loss": {"fullname": _loss_name(record.loss)},
    }
    if record.loss_parameters:
        found["loss"]["config_code"] = _code(record.loss_parameters)
    if source.hub:
        found["id"] = source.hub
        found |= {"revision": source.revision} if source.revision else {}
    return found


def _indented(table: str) -> str:
    return indent(table, "  ") + "\n" if table else ""


def _loss_name(loss: str) -> str:
    known = hasattr(losses, loss)
    return f"sentence_transformers.cross_encoder.losses.{loss}" if known else loss or "not stated"


def _citations(record: RunRecord) -> dict[str, str]:
    """Return sentence-transformers' citation, that of the loss if it has one, and those of the record."""
    library = CrossEncoderModelCardData(local_files_only=True)
    library.set_losses([])
    found: dict[str, str] = dict(library.citations)
    with suppress(AttributeError):  # a loss without a citation, or of another library
        found[record.loss] = getattr(losses, record.loss).citation.fget(None)
    return found | {name: text for name, text in record.citations.items() if name not in found}


def _shown(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as texts; those of a group, such as the trainer's own arguments, after the others."""
    groups = [value for value in settings.values() if isinstance(value, Mapping)]
    flat = {name: value for name, value in settings.items() if not isinstance(value, Mapping)}
    for group in groups:
        flat |= {name: value for name, value in group.items() if name not in flat}
    return {name: plain(value) if isinstance(value, str) else str(value) for name, value in flat.items()}


def _measured(content: str, sources: Sequence[Source]) -> str:
    """Return `content` with the number of rows of which each table of statistics really is."""
    counts = iter([source.measured for source in sources if source.columns])
    pattern = r"(?<=statistics based on the first )\d+(?= samples)"
    return re.sub(pattern, lambda found: f"{next(counts, int(found[0])):,}", content)
