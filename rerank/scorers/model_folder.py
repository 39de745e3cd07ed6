"""Read the JSON files of a model's folder, without torch or transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resift.rerank.scorers.card import language_codes, read_card
from resift.rerank.scorers.head import HeadModule, read_head
from resift.rerank.scorers.json_file import read_json
from resift.rerank.scorers.own_fusion import OwnFusion, read_fusion
from resift.rerank.scorers.resift_file import RESIFT_FILE
from resift.retrieval.errors import ModelError, SettingsError

NO_LIMIT = 1_000_000
"""A model_max_length of this or more means that the tokenizer has no limit (transformers writes 1e30)."""

OFFSET_POSITIONS = frozenset(
    {"camembert", "data2vec-text", "ibert", "longformer", "mpnet", "roberta", "roberta-prelayernorm"}
    | {"xlm-roberta", "xlm-roberta-xl", "xmod"}
)
"""Model types that number positions from the padding id + 1, so that they read that many tokens fewer."""

UNMASKED = frozenset({"convbert", "fnet", "nystromformer", "yoso"})
"""Model types whose layers mix all places of a row, padding included: convolutions, Fourier transforms, sampling."""

TYPED_TOKENIZERS = frozenset(
    {"BertTokenizer", "CanineTokenizer", "ConvBertTokenizer", "DebertaTokenizer", "DebertaV2Tokenizer"}
    | {"ElectraTokenizer", "FNetTokenizer", "LayoutLMTokenizer", "MobileBertTokenizer", "SqueezeBertTokenizer"}
)
"""Classes of transformers 5 whose `model_input_names` contain token_type_ids, without "Fast" at the end."""

TYPED_MODELS = frozenset(
    {"bert", "canine", "convbert", "deberta", "deberta-v2", "electra", "ernie", "fnet", "layoutlm", "megatron-bert"}
    | {"mobilebert", "nomic_bert", "squeezebert"}
)
"""Model types that have such a tokenizer if tokenizer_config.json names no class."""

TRAINING_STATE = "training/state.json"
"""The file in which `resift train` keeps what it was begun with; it is there before the model is."""

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spm.model", "spiece.model")
"""A folder that has a tokenizer contains at least one of these files."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model's folder, as transformers and sentence-transformers write it; a missing file is an empty mapping.

    `name` is the model's name as the user gave it, for messages. `config` is config.json, `tokenizer` is
    tokenizer_config.json, `head` is config_sentence_transformers.json, `legacy` is sentence_bert_config.json. `card` is
    the front matter of README.md, as `resift.rerank.scorers.card.read_card` returns it. `resift` is resift.json, which
    only models made for resift have: how the model is fused with the first stage, and what was measured of it.
    """

    path: Path
    name: str
    config: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    head: Mapping[str, Any]
    legacy: Mapping[str, Any]
    card: Mapping[str, tuple[str, ...]]
    resift: Mapping[str, Any] = field(default_factory=dict)

    @property
    def onnx(self) -> Path | None:
        """The ONNX file, or None if the folder does not contain one."""
        found = (self.path / name for name in ("model.onnx", "onnx/model.onnx", "onnx/model_int8.onnx"))
        return next((path for path in found if path.is_file()), None)

    @property
    def safetensors(self) -> bool:
        """True if the folder contains weights as safetensors."""
        return any(self.path.glob("model*.safetensors"))

    @property
    def head_modules(self) -> tuple[HeadModule, ...]:
        """The modules of its head if it has several, by modules.json; else none. Raises ModelError."""
        return read_head(self.path, self.name)

    @property
    def languages(self) -> tuple[str, ...]:
        """The ISO 639 codes of the languages that the model reads, by its card; empty if the card names none."""
        return language_codes(self.card.get("language", ()))

    @property
    def fusion(self) -> OwnFusion | None:
        """How the model is fused with the first stage, by resift.json; None if that does not say. Raises ModelError."""
        return read_fusion(self.resift, self.name)

    @property
    def embedded(self) -> Mapping[str, Any]:
        """The settings that sentence-transformers 4 and 5 wrote into config.json; empty if there are none."""
        inside = self.config.get("sentence_transformers")
        return inside if isinstance(inside, Mapping) else {}

    @property
    def activation(self) -> str:
        """The activation function: "sigmoid", "identity", or the dotted name of another one.

        Sources, newest first: config_sentence_transformers.json, `sentence_transformers` in config.json,
        `sbert_ce_default_activation_function` in config.json. Sigmoid if none is given, as in sentence-transformers.
        """
        function = (
            self.head.get("activation_fn")
            or self.embedded.get("activation_fn")
            or self.config.get("sbert_ce_default_activation_function")
            or "Sigmoid"
        )
        last = str(function).rsplit(".", 1)[-1].lower()
        return last if last in ("sigmoid", "identity") else str(function)

    @property
    def prompts(self) -> dict[str, str]:
        """The named texts that can be put before a query; empty for nearly all models."""
        prompts = self.head.get("prompts")
        return {str(name): str(text or "") for name, text in prompts.items()} if isinstance(prompts, Mapping) else {}

    @property
    def prompt(self) -> str:
        """The text that is put before every query; empty for nearly all models."""
        return self.prompts.get(str(self.head.get("default_prompt_name")), "")

    @property
    def own_pad_id(self) -> int | None:
        """The token id of the padding in config.json, or None; a head that reads the last token looks for it."""
        text = self.config.get("text_config")
        nested = text.get("pad_token_id") if isinstance(text, Mapping) else None
        given = self.config.get("pad_token_id", nested)
        return given if isinstance(given, int) and 0 <= given < NO_LIMIT else None

    @property
    def pad_id(self) -> int:
        """The token id of the padding in a batch; 0 if config.json does not give one."""
        return self.own_pad_id or 0

    @property
    def may_read_padding(self) -> bool:
        """Whether the padding of a batch may change the model's scores, so that this is to be tried."""
        last_place = self.own_pad_id is None or self.config.get("summary_type") == "last"  # decoders, XLNet
        return last_place or self.config.get("model_type") in UNMASKED

    @property
    def token_types(self) -> bool:
        """Whether the model reads the tokenizer's token types; otherwise all types are 0, as transformers decides it.

        The tokenizer's `model_input_names` decide, else those of its class; a model with one type has only zeros.
        """
        vocabulary = self.config.get("type_vocab_size")
        if isinstance(vocabulary, int) and vocabulary < 2:
            return False
        names = self.tokenizer.get("model_input_names")
        if isinstance(names, list):
            return "token_type_ids" in names
        kind, model = self.tokenizer.get("tokenizer_class"), self.config.get("model_type")
        if isinstance(kind, str):
            return kind.removesuffix("Fast") in TYPED_TOKENIZERS
        return not isinstance(model, str) or model in TYPED_MODELS

    @property
    def positions(self) -> int | None:
        """The number of tokens for which the model has positions, or None if config.json does not give it."""
        given = self.config.get("max_position_embeddings", self.config.get("n_positions"))
        if not isinstance(given, int) or given <= 0:
            return None
        return given - self.pad_id - 1 if str(self.config.get("model_type")) in OFFSET_POSITIONS else given

    def window(self, requested: int | None) -> int:
        """Return the window: the maximum number of tokens in a pair, including special tokens.

        It is `requested` if that is given, else the smallest limit in the folder's files, else 512. Raises
        SettingsError if `requested` is below 1 or more than the model has positions for.
        """
        positions = self.positions
        if requested is not None:
            if requested < 1 or (positions is not None and requested > positions):
                most = f"1 to {positions}, which {self.name} can read" if positions else "1 or more"
                raise SettingsError(f"{requested} tokens were requested; expected {most}", "max_length")
            return requested
        limits = (
            self.tokenizer.get("model_max_length"),
            self.embedded.get("max_length"),
            self.legacy.get("max_seq_length"),
            positions,
        )
        known = [int(length) for length in limits if isinstance(length, int | float) and 0 < length < NO_LIMIT]
        return min(known, default=512)

    @property
    def architecture(self) -> str:
        """The class of transformers that config.json names, "" if it names none."""
        named = self.config.get("architectures")
        return str(named[0]) if isinstance(named, list) and named else ""

    @property
    def has_head(self) -> bool:
        """Whether it scores pairs: it has modules of sentence-transformers for that, or is a sequence classifier."""
        return bool(self.head_modules) or self.architecture.endswith("ForSequenceClassification")

    def check(self) -> None:
        """Raise ModelError if resift cannot use this model, with the reason.

        It is to be a cross-encoder with one label and without Python code of its own, and a resift.json can be used.
        """
        if "auto_map" in self.config:
            raise self.error("it needs custom Python code, which resift never runs; choose a model without it")
        kind = self.architecture
        generative = kind.endswith(("ForCausalLM", "ForConditionalGeneration", "LMHeadModel"))
        if generative or self.config.get("is_encoder_decoder") or self.config.get("is_decoder"):
            raise self.error(f"{kind} generates text; expected a model with one score (…ForSequenceClassification)")
        read_fusion(self.resift, self.name)
        if not self.has_head:
            raise self.error(
                f"{kind or 'its architecture'} has no trained scoring head; expected …ForSequenceClassification: "
                "train it first, or choose a model that was trained to rerank"
            )
        if not self.head_modules:
            self._check_labels()

    def error(self, message: str) -> ModelError:
        """Return a ModelError that names this model."""
        return ModelError(message, self.name)

    def _check_labels(self) -> None:
        labels = self.config.get("id2label")
        count = len(labels) if isinstance(labels, Mapping) else self.config.get("num_labels")
        if not isinstance(count, int):
            raise self.error("config.json does not have labels (id2label or num_labels); expected exactly one")
        if count != 1:
            raise self.error(
                f"it has {count} labels; expected one, the relevance: it is a classifier, choose a reranker"
            )


def read_folder(path: Path, name: str | None = None) -> ModelFolder:
    """Return the model's folder at `path`, with the contents of its JSON files and of its card.

    `name` is the model's name in error messages; the path if not given. Raises ModelError if the folder or its
    config.json does not exist, or if a file is not a JSON object.
    """
    name = name or str(path)
    if not path.is_dir():
        raise ModelError("this folder does not exist; check the path", name)
    if not (path / "config.json").is_file():
        if (path / TRAINING_STATE).is_file():
            raise ModelError("its training is not finished; continue it with the same command and `resume`", name)
        raise ModelError("the folder has no config.json; expected a folder written by save_pretrained", name)
    names = (
        *("config.json", "tokenizer_config.json", "config_sentence_transformers.json", "sentence_bert_config.json"),
        RESIFT_FILE,
    )
    contents = [read_json(path / file, name, default={}) for file in names]
    for file, content in zip(names, contents, strict=True):
        if not isinstance(content, Mapping):
            raise ModelError(f"{file} is not a JSON object; download it again", name)
    config, tokenizer, head, legacy, resift = contents
    return ModelFolder(path, name, config, tokenizer, head, legacy, read_card(path), resift)
