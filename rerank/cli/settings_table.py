"""The table of all stages' settings, from which options, variables, TOML names and documentation derive."""

from __future__ import annotations

import dataclasses
import importlib
import typing
from typing import Any

SETTINGS = {
    "corpus": "resift.indexer.corpora.settings:CorpusSettings",
    "queries": "resift.indexer.corpora.query_settings:QuerySettings",
    "bm25": "resift.retrieval.bm25.settings:Bm25Settings",
    "load": "resift.indexer.engine.settings:LoadSettings",
    "connection": "resift.retrieval.engine.settings:ConnectionSettings",
    "engine": "resift.retrieval.engine.settings:EngineSettings",
    "search": "resift.rerank.settings:SearchSettings",
    "rerank": "resift.rerank.settings:RerankSettings",
    "scorer": "resift.rerank.scorers.settings:ScorerSettings",
    "serve": "resift.rerank.service.settings:ServeSettings",
    "attach": "resift.rerank.attach.settings:AttachSettings",
    "proxy": "resift.rerank.proxy.settings:ProxySettings",
    "distill": "resift.rerank.training.distillation.settings:DistillSettings",
    "display": "resift.rerank.cli.display:DisplaySettings",
    "train": "resift.rerank.training.finetuning.settings:TrainSettings",
    "mine": "resift.rerank.training.mining.settings:MineSettings",
    "clicks": "resift.rerank.training.mining.clicks.settings:ClickSettings",
    "tune": "resift.rerank.training.fusion.settings:TuneSettings",
    "gate": "resift.rerank.training.gate.settings:GateSettings",
    "export": "resift.rerank.training.export.settings:ExportSettings",
}
"""Stage -> "module:Class" of its frozen dataclass of settings; `resift config` and the documentation iterate this."""

ENVIRONMENT_PREFIX = "RESIFT_"


def settings_class(stage: str) -> type[Any]:
    """Return the settings class of a stage."""
    return load_class(SETTINGS[stage])


def load_class(target: str) -> type[Any]:
    """Import and return the class that "module:Class" names."""
    module, name = target.split(":")
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found


def parameter_name(field: dataclasses.Field[Any]) -> str:
    """Return the name of a setting on the command line, in the environment and in TOML."""
    return str(field.metadata.get("flag") or field.name)


_OTHER_OPTIONS = (
    *("alias", "alias_from", "allow_refused", "keep", "overwrite", "overwrite_foreign", "resume"),  # of a load
    "replace_whole",  # of an addition
    *("qrels", "queries", "root", "run_file", "split"),  # of an evaluation
    *("clicks", "events", "output", "pairs"),  # of a mine
    *("dev", "trained_on"),  # of a gate
    *("inference_id", "pipeline", "probe_host", "service"),  # of a doctor
)
"""Arguments of the library that are no settings, have an option, and are named in messages."""


def flags() -> dict[str, str]:
    """Return the option of each setting of all stages, and of `_OTHER_OPTIONS`, by the name in the library."""
    fields = (field for owner in map(settings_class, SETTINGS) for field in dataclasses.fields(owner))
    names = {name: name.removesuffix("_file") for name in _OTHER_OPTIONS}
    names |= {field.name: parameter_name(field) for field in fields}
    return {name: "--" + option.replace("_", "-") for name, option in names.items()}


def setting_types() -> dict[str, type[Any]]:
    """Return the names of all settings of all stages, each with its type: str, int, float or bool."""
    found: dict[str, type[Any]] = {}
    for owner in map(settings_class, SETTINGS):
        types = typing.get_type_hints(owner)
        found.update({parameter_name(field): plain_type(types[field.name]) for field in dataclasses.fields(owner)})
    return found


def separators() -> dict[str, str]:
    """Return for each setting what separates several values in one text."""
    return {
        parameter_name(field): field.metadata.get("separator", ",")
        for owner in map(settings_class, SETTINGS)
        for field in dataclasses.fields(owner)
    }


def plain_type(kind: Any) -> type[Any]:  # noqa: ANN401
    """Return int, float, bool or str for a field's type, which may be optional."""
    members = [member for member in typing.get_args(kind) if member is not type(None)] or [kind]
    plain = members[0]
    return plain if plain in (int, float, bool) else str
