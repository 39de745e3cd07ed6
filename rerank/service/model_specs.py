"""Which models a service has, and under which names: the default, those of the package, and further ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from resift.rerank.scorers.registry import MODELS, NO_MODEL
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.settings import ServeSettings
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError

_OWN = ("passages", "max_length")  # settings that a model may have of its own


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that can be loaded: the name that requests use, and the settings of its scorer and its reranker."""

    name: str
    scorer: ScorerSettings
    rerank: RerankSettings


def model_specs(serve: ServeSettings, scorer: ScorerSettings, rerank: RerankSettings) -> dict[str, ModelSpec]:
    """Return the models by name, the default first; nothing is loaded.

    Besides `scorer.model`, the service has the models of the package, those of `serve.serve_model`, and those of the
    ladder. Raises SettingsError if one of these cannot be read.
    """
    if scorer.model == NO_MODEL:
        raise SettingsError("a service needs a model; name one, or leave it out for the default", "model")
    every = rerank.unbounded()
    specs = {scorer.model: ModelSpec(scorer.model, scorer, every)}
    for name in MODELS:
        specs.setdefault(name, ModelSpec(name, _other(scorer, name), every))
    for line in (serve.serve_model or "").split("\n"):
        if line.strip():
            spec = _read(line.strip(), scorer, every)
            specs[spec.name] = spec
    for name in ladder_names(serve):
        if name != NO_MODEL:
            specs.setdefault(name, ModelSpec(name, _other(scorer, name), every))
    return specs


def ladder_names(serve: ServeSettings) -> list[str]:
    """Return the names of the ladder, the best model first; empty if there is none.

    Raises SettingsError if it has fewer than two rungs, one twice, or a model below "none".
    """
    names = [name.strip() for name in (serve.ladder or "").split(",") if name.strip()]
    if serve.ladder and (len(names) < 2 or len(set(names)) < len(names) or NO_MODEL in names[:-1]):
        raise SettingsError(
            f"{serve.ladder!r} is not a ladder; expected two or more names, the best first, each once, and none at the "
            "end if at all",
            "ladder",
        )
    return names


def _other(scorer: ScorerSettings, model: str) -> ScorerSettings:
    """Return the settings of another model: what was set for the default's own files does not apply to it."""
    return replace(scorer, model=model, revision=None, backend="auto", dtype="auto", max_length=None)


def _read(line: str, scorer: ScorerSettings, rerank: RerankSettings) -> ModelSpec:
    """Return the model of one setting, NAME or NAME=MODEL, with ?passages=N&max_length=N at its end."""
    address, _, own = line.partition("?")
    name, _, model = address.partition("=")
    if not name or name == NO_MODEL or (not model and "=" in address):
        raise SettingsError(f"{line!r} does not name a model; expected NAME or NAME=MODEL", "serve_model")
    values = _values(line, dict(parse_qsl(own, keep_blank_values=True)))
    length = values.get("max_length")
    return ModelSpec(
        name,
        replace(_other(scorer, model or name), max_length=length),
        replace(rerank, passages=values.get("passages", rerank.passages)),
    )


def _values(line: str, given: Mapping[str, str]) -> dict[str, int]:
    for key, value in given.items():
        if key not in _OWN or not value.isascii() or not value.isdigit() or int(value) < 1:
            raise SettingsError(
                f"{line!r}: {key}={value} is not known; expected {' or '.join(f'{name}=N' for name in _OWN)}",
                "serve_model",
            )
    return {key: int(value) for key, value in given.items()}
