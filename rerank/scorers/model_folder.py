"""What a model's folder says about itself: its JSON files, read without torch or transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resift.retrieval.errors import ModelError, SettingsError

NO_LIMIT = 1_000_000
"""Above this, a tokenizer's model_max_length means that it knows no limit (transformers writes 1e30)."""

OFFSET_POSITIONS = frozenset(
    {"camembert", "data2vec-text", "ibert", "longformer", "mpnet", "roberta", "roberta-prelayernorm"}
    | {"xlm-roberta", "xlm-roberta-xl", "xmod"}
)
"""Families that count positions from the padding id + 1, so that their last ones cannot be used."""

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spm.model", "spiece.model")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder as transformers and sentence-transformers write it; a file that is absent reads as empty.

    `name` is what the user called the model, for messages. `config` is config.json, `tokenizer` is
    tokenizer_config.json, `head` is config_sentence_transformers.json, `legacy` is sentence_bert_config.json.
    """

    path: Path
    name: str
    config: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    head: Mapping[str, Any]
    legacy: Mapping[str, Any]

    @property
    def onnx(self) -> Path | None:
        """Return the ONNX file, or None where the folder has none."""
        found = (self.path / name for name in ("model.onnx", "onnx/model.onnx"))
        return next((path for path in found if path.is_file()), None)

    @property
    def safetensors(self) -> bool:
        """Tell whether the folder holds weights as safetensors."""
        return any(self.path.glob("model*.safetensors"))

    @property
    def embedded(self) -> Mapping[str, Any]:
        """Return what sentence-transformers 4 and 5 wrote inside config.json."""
        inside = self.config.get("sentence_transformers")
        return inside if isinstance(inside, Mapping) else {}

    @property
    def activation(self) -> str:
        """Return "sigmoid" or "identity", or the dotted name of another activation function.

        Sources, newest first: config_sentence_transformers.json, `sentence_transformers` in config.json,
        `sbert_ce_default_activation_function` there; sigmoid where none says, as in sentence-transformers.
        """
        said = (
            self.head.get("activation_fn")
            or self.embedded.get("activation_fn")
            or self.config.get("sbert_ce_default_activation_function")
            or "Sigmoid"
        )
        last = str(said).rsplit(".", 1)[-1].lower()
        return last if last in ("sigmoid", "identity") else str(said)

    @property
    def prompt(self) -> str:
        """Return the text that the folder puts before every query; empty for nearly all models."""
        prompts, chosen = self.head.get("prompts"), self.head.get("default_prompt_name")
        if not isinstance(prompts, Mapping) or not isinstance(chosen, str):
            return ""
        return str(prompts.get(chosen) or "")

    @property
    def pad_id(self) -> int:
        """Return the id that fills a batch up."""
        said = self.config.get("pad_token_id")
        return said if isinstance(said, int) and 0 <= said < NO_LIMIT else 0

    @property
    def positions(self) -> int | None:
        """Return how many tokens the model can number, or None where it does not say."""
        said = self.config.get("max_position_embeddings")
        if not isinstance(said, int) or said <= 0:
            return None
        return said - self.pad_id - 1 if str(self.config.get("model_type")) in OFFSET_POSITIONS else said

    def window(self, asked: int | None) -> int:
        """Return the longest pair in tokens: `asked`, or what the folder says, at most what the model can number.

        Raises SettingsError where `asked` is more than that or below 1.
        """
        positions = self.positions
        if asked is not None:
            if asked < 1 or (positions is not None and asked > positions):
                raise SettingsError(f"{asked} tokens asked, but {self.name} reads 1 to {positions}", "max_length")
            return asked
        said = (
            self.tokenizer.get("model_max_length"),
            self.embedded.get("max_length"),
            self.legacy.get("max_seq_length"),
            positions,
        )
        known = [int(length) for length in said if isinstance(length, int | float) and 0 < length < NO_LIMIT]
        return min(known, default=512)

    def check(self) -> None:
        """Raise ModelError where this is not a cross-encoder with one label that runs without code of its own."""
        if "auto_map" in self.config:
            raise self.error("it needs Python code of its own, which is never run; choose a model without")
        architectures = self.config.get("architectures")
        kind = str(architectures[0]) if isinstance(architectures, list) and architectures else ""
        generative = kind.endswith(("ForCausalLM", "ForConditionalGeneration", "LMHeadModel"))
        if generative or self.config.get("is_encoder_decoder") or self.config.get("is_decoder"):
            raise self.error(f"{kind} generates text; expected a model with one score (…ForSequenceClassification)")
        if not kind.endswith("ForSequenceClassification"):
            raise self.error(
                f"{kind or 'its architecture'} has no trained scoring head; expected …ForSequenceClassification: "
                "train it first, or choose a model that was trained to rerank"
            )
        self._check_labels()
        self._check_modules()

    def error(self, message: str) -> ModelError:
        """Return a ModelError that names this model."""
        return ModelError(message, self.name)

    def _check_labels(self) -> None:
        labels = self.config.get("id2label")
        said = len(labels) if isinstance(labels, Mapping) else self.config.get("num_labels")
        if not isinstance(said, int):
            raise self.error("config.json names no labels (id2label or num_labels); expected exactly one")
        if said != 1:
            raise self.error(f"it has {said} labels; expected one, the relevance: it is a classifier, not a reranker")

    def _check_modules(self) -> None:
        modules = read_json(self.path / "modules.json", self.name, default=[])
        if not isinstance(modules, list) or not all(isinstance(module, Mapping) for module in modules):
            raise self.error("modules.json does not hold a list of JSON objects")
        kinds = [str(module.get("type", "")) for module in modules]
        if kinds and (len(kinds) > 1 or not kinds[0].endswith(".Transformer")):
            last = kinds[-1].rsplit(".", 1)[-1]
            raise self.error(f"modules.json adds {last}, which is not supported; expected a Transformer alone")


def read_folder(path: Path, name: str | None = None) -> ModelFolder:
    """Return what the folder at `path` says. Raises ModelError where config.json is absent or a file is not JSON."""
    name = name or str(path)
    if not path.is_dir():
        raise ModelError("there is no such folder", name)
    if not (path / "config.json").is_file():
        raise ModelError("the folder has no config.json; expected a folder written by save_pretrained", name)
    names = ("config.json", "tokenizer_config.json", "config_sentence_transformers.json", "sentence_bert_config.json")
    contents = [read_json(path / file, name, default={}) for file in names]
    for file, content in zip(names, contents, strict=True):
        if not isinstance(content, Mapping):
            raise ModelError(f"{file} does not hold a JSON object", name)
    return ModelFolder(path, name, *contents)


def read_json(path: Path, name: str, default: Any) -> Any:  # noqa: ANN401 - JSON is anything
    """Return what the JSON file at `path` holds, or `default` where there is none. Raises ModelError."""
    if not path.is_file():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path.name} cannot be read as JSON ({error}); fetch it again", name) from error
