"""Create a small seeded cross-encoder of each family, and save it in the layout of a Hugging Face repository."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModelForSequenceClassification

torch.set_num_threads(1)  # several threads do not speed up such small models, and slow them down on a busy machine

FAMILIES = ("bert", "minilm", "electra", "distilbert", "roberta", "modernbert", "xlm-roberta", "deberta-v2")

WORDS = (
    "the a of and to in river stone bridge cat dog food feeding market price query document window engine search "
    "result rank relevance harvest winter summer garden library museum science history animal planet orbit signal "
    "protein vaccine island mountain valley recipe butter bread coffee music violin theatre novel author poem "
    "running reads reading readable unread singer singing sang don't isn't 1234 2024 naïve café straße 東京 猫 Москва"
).split()

KNOWN = [word.lower() for place, word in enumerate(WORDS) if place % 7 != 1]

BERT_SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
ROBERTA_SPECIAL = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
TOKENIZERS = {
    "bert": "BertTokenizer",
    "minilm": "BertTokenizer",
    "electra": "ElectraTokenizer",
    "distilbert": "DistilBertTokenizer",
    "roberta": "RobertaTokenizer",
    "modernbert": "PreTrainedTokenizerFast",
    "xlm-roberta": "XLMRobertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "fnet": "BertTokenizer",
}
WITHOUT_TYPES = ("distilbert", "roberta", "modernbert", "xlm-roberta")


def sentences(count: int, seed: int, shortest: int = 3, longest: int = 40) -> list[str]:
    """Return `count` random sentences for `seed`, with commas and capitals, of `shortest` to `longest` words each."""
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        words = [WORDS[int(place)] for place in draw.integers(0, len(WORDS), int(draw.integers(shortest, longest + 1)))]
        made.append(
            ", ".join(" ".join(words[start : start + 6]) for start in range(0, len(words), 6)).capitalize() + "."
        )
    return made


def save_family(family: str, folder: Path, max_length: int = 96, **changes: object) -> Path:
    """Save a model with 2 layers of width 32 and its tokenizer to `folder`, and return the folder.

    `changes` are settings that replace those of its configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(family)
    tokenizer.save(str(folder / "tokenizer.json"))
    special = BERT_SPECIAL if family not in ("roberta", "xlm-roberta") else ROBERTA_SPECIAL
    content: dict[str, Any] = {f"{role}_token": token for role, token in special.items()}
    content |= {"tokenizer_class": TOKENIZERS[family], "model_max_length": max_length}
    if family in WITHOUT_TYPES:
        content["model_input_names"] = ["input_ids", "attention_mask"]
    (folder / "tokenizer_config.json").write_text(json.dumps(content))
    torch.manual_seed(0)
    maker: Any = AutoModelForSequenceClassification
    model = maker.from_config(make_config(family, tokenizer, **changes))
    with torch.no_grad():
        for parameter in model.parameters():  # larger than in an untrained model, so that the scores of pairs differ
            parameter.add_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(folder)
    return folder


def export_onnx(folder: Path, place: str = "model.onnx", types: bool | None = None) -> Path:
    """Export the folder's model to ONNX at `place` in it, for any batch size and length; return the folder.

    `types` is whether the graph has the input token_type_ids; by default it has if the model has several types.
    """
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    ids = torch.randint(6, 40, (2, 9))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if getattr(model.config, "type_vocab_size", 0) > 1 if types is None else types:
        inputs["token_type_ids"] = torch.zeros_like(ids)
    (folder / place).parent.mkdir(exist_ok=True)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the exporter's own deprecations and tracing advice
        torch.onnx.export(
            model,
            (inputs,),
            str(folder / place),
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_axes={name: {0: "rows", 1: "tokens"} for name in inputs} | {"logits": {0: "rows"}},
            opset_version=17,
            dynamo=False,
        )
    return folder


def make_config(family: str, tokenizer: Tokenizer, **changes: object) -> Any:  # noqa: ANN401 - transformers is untyped
    """Return the configuration of a small model of the family, with `changes`."""
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    if family == "distilbert":
        size = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    pad = tokenizer.token_to_id("<pad>") if family in ("roberta", "xlm-roberta") else tokenizer.token_to_id("[PAD]")
    options: dict[str, Any] = {"vocab_size": tokenizer.get_vocab_size(), "pad_token_id": pad, "num_labels": 1}
    options |= {"max_position_embeddings": 512, **size}
    if family in ("roberta", "xlm-roberta"):
        options |= {"max_position_embeddings": 514, "type_vocab_size": 1}
    if family == "deberta-v2":
        options |= {"type_vocab_size": 0, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]}
        options |= {"position_biased_input": False, "norm_rel_ebd": "layer_norm", "position_buckets": 16}
    if family == "modernbert":
        options |= {"local_attention": 8, "global_attn_every_n_layers": 2}
        options |= {"cls_token_id": tokenizer.token_to_id("[CLS]"), "sep_token_id": tokenizer.token_to_id("[SEP]")}
        options |= {"bos_token_id": options["cls_token_id"], "eos_token_id": options["sep_token_id"]}
    options |= changes
    kind = "bert" if family == "minilm" else family
    config = AutoConfig.for_model(kind, **options)
    config.architectures = None
    return config


def make_tokenizer(family: str) -> Tokenizer:
    """Return a tokenizer of the family's kind.

    Its vocabulary has all letters, and the words of `WORDS` except every seventh.
    """
    if family in ("roberta", "modernbert"):
        return _byte_level(family)
    if family in ("xlm-roberta", "deberta-v2"):
        return _unigram(family)
    letters = sorted({letter for word in WORDS for letter in word.lower()} | set(",.'"))
    pieces = [*BERT_SPECIAL.values(), *letters, *("##" + letter for letter in letters), "##ing", "##able", *KNOWN]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(BERT_SPECIAL.values()))
    tokenizer.post_processor = _bert_template(tokenizer)
    return tokenizer


def _byte_level(family: str) -> Tokenizer:
    special = list((ROBERTA_SPECIAL if family == "roberta" else BERT_SPECIAL).values())
    pieces = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    merges = []
    for word in KNOWN:
        for whole in (word, "Ġ" + word):
            if whole.removeprefix("Ġ").isascii():
                merges += [(whole[:size], whole[size]) for size in range(1, len(whole))]
    pieces += [left + right for left, right in dict.fromkeys(merges)]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocabulary, list(dict.fromkeys(merges))))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    if family == "roberta":
        ends = [(token, vocabulary[token]) for token in ("</s>", "<s>")]
        tokenizer.post_processor = processors.RobertaProcessing(ends[0], ends[1], add_prefix_space=False)
    else:
        tokenizer.post_processor = _bert_template(tokenizer)
    return tokenizer


def _unigram(family: str) -> Tokenizer:
    xlm = family == "xlm-roberta"
    special = list((ROBERTA_SPECIAL if xlm else BERT_SPECIAL).values())
    letters = sorted({letter for word in WORDS for letter in word} | set("▁,."))
    scored = [(piece, 0.0) for piece in special] + [(letter, -9.0 - place / 99) for place, letter in enumerate(letters)]
    scored += [("▁" + word, -4.0 - place / 99) for place, word in enumerate(KNOWN)]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=3 if xlm else 1))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(special)
    if xlm:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>",
            pair="<s> $A </s> </s> $B </s>",
            special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")],
        )
    else:
        tokenizer.post_processor = _bert_template(tokenizer)
    return tokenizer


def _bert_template(tokenizer: Tokenizer) -> processors.TemplateProcessing:
    return processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
