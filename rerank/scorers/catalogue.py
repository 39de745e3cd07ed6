"""The models that can be named: those in the package, and others on the Hugging Face Hub that are worth a try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resift.rerank.scorers.lookup import EMBEDDED_FOLDER
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.recommended import RECOMMENDED, RecommendedModel
from resift.rerank.scorers.registry import DEFAULT_MODEL, MODELS


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A model of the package, as its folder describes it.

    `megabytes` is the size of its folder (10^6 bytes), `layers` and `width` its encoder's, `max_tokens` the most tokens
    that it reads of a query with its document, `languages` ISO 639 codes, `default` whether it is the default model.
    `dev` has its quality on judged sets, as resift.json has it: set -> "queries", and the ndcg@10 of "bm25", of the
    model "alone", and of both, "fused"; empty if it was not measured.
    """

    name: str
    default: bool
    megabytes: float
    layers: int | None
    width: int | None
    max_tokens: int
    languages: tuple[str, ...]
    licence: str
    dev: Mapping[str, Mapping[str, float]]

    def dev_mean(self, what: str) -> float | None:
        """Return the mean over the sets of `what`: bm25, alone or fused; None if a set lacks it, or there is none."""
        found = [one[what] for one in self.dev.values() if what in one]
        return sum(found) / len(found) if found and len(found) == len(self.dev) else None


def embedded_models() -> list[EmbeddedModel]:
    """Return the models of the package, the default first. Raises ModelError if a folder cannot be read."""
    found = [describe(name, EMBEDDED_FOLDER / folder) for name, folder in MODELS.items()]
    return sorted(found, key=lambda model: not model.default)


def recommended_models(language: str | None = None) -> list[RecommendedModel]:
    """Return the recommended models of the Hugging Face Hub; with `language`, an ISO 639 code, those that read it."""
    return [model for model in RECOMMENDED if language is None or model.reads(language)]


def describe(name: str, path: Path) -> EmbeddedModel:
    """Return the model `name`, whose folder is `path`, as its files describe it. Raises ModelError."""
    folder = read_folder(path, name)
    return EmbeddedModel(
        name=name,
        default=name == DEFAULT_MODEL,
        megabytes=round(sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6, 1),
        layers=folder.config.get("num_hidden_layers"),
        width=folder.config.get("hidden_size"),
        max_tokens=folder.window(None),
        languages=folder.languages,
        licence=" ".join(folder.card.get("license", ())),
        dev=_dev(folder.resift.get("dev")),
    )


def _dev(given: Any) -> dict[str, dict[str, float]]:  # noqa: ANN401 - JSON is anything
    """Return the figures of the dev sets that are numbers."""
    sets = given.items() if isinstance(given, Mapping) else ()
    numbers = {
        str(name): {str(what): float(value) for what, value in one.items() if isinstance(value, int | float)}
        for name, one in sets
        if isinstance(one, Mapping)
    }
    return {name: one for name, one in numbers.items() if one}
