"""The models that can be named: those in the package, and others on the Hugging Face Hub that are worth a try."""

from __future__ import annotations

from dataclasses import dataclass

from resift.rerank.scorers.lookup import EMBEDDED_FOLDER
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.recommended import RECOMMENDED, RecommendedModel
from resift.rerank.scorers.registry import DEFAULT_MODEL, MODELS


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A model of the package, as its folder describes it.

    `megabytes` is the size of its folder (10^6 bytes), `layers` and `width` its encoder's, `max_tokens` the most tokens
    that it reads of a query with its document, `languages` ISO 639 codes, `default` whether it is the default model.
    """

    name: str
    default: bool
    megabytes: float
    layers: int | None
    width: int | None
    max_tokens: int
    languages: tuple[str, ...]
    licence: str


def embedded_models() -> list[EmbeddedModel]:
    """Return the models of the package, the default first. Raises ModelError if a folder cannot be read."""
    found = [_embedded(name) for name in MODELS]
    return sorted(found, key=lambda model: not model.default)


def recommended_models(language: str | None = None) -> list[RecommendedModel]:
    """Return the recommended models of the Hugging Face Hub; with `language`, an ISO 639 code, those that read it."""
    return [model for model in RECOMMENDED if language is None or model.reads(language)]


def _embedded(name: str) -> EmbeddedModel:
    path = EMBEDDED_FOLDER / MODELS[name]
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
    )
