"""Padding never changes a score: decoders, whose head reads the last token, score as transformers does one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, processors
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.predictor import Batch
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import export_onnx, make_tokenizer, save_family, sentences

PAIRS = [("cat food", text) for text in [*sentences(5, seed=3), "", "cat"]]
ROTARY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SIZES: dict[str, dict[str, int]] = {
    "qwen2": ROTARY | {"num_key_value_heads": 2},
    "llama": ROTARY | {"num_key_value_heads": 2},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2},
}
EOS, PAD = 2, 1


def save_decoder(kind: str, folder: Path, pad_token: str | None, pad_id: int | None, closed: bool = False) -> Path:
    """Save a small decoder with one label; return the folder.

    `pad_token` is the tokenizer's, `pad_id` that of config.json. A `closed` tokenizer ends a pair with </s>.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer("roberta")
    tokenizer.post_processor = template(tokenizer) if closed else processors.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    content = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 96, "eos_token": "</s>"}
    if kind == "qwen2":  # its class would add a padding of its own
        content |= {"unk_token": "<unk>", "tokenizer_class": "Qwen2Tokenizer", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(content | ({"pad_token": pad_token} if pad_token else {})))
    torch.manual_seed(0)
    options: dict[str, Any] = {"vocab_size": tokenizer.get_vocab_size(), "num_labels": 1, "pad_token_id": pad_id}
    options |= {"max_position_embeddings": 128, "bos_token_id": 0, "eos_token_id": EOS, **SIZES[kind]}
    maker: Any = AutoModelForSequenceClassification
    model = maker.from_config(AutoConfig.for_model(kind, **options))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(folder)
    return folder


def template(tokenizer: Tokenizer) -> processors.TemplateProcessing:
    ends = [("</s>", tokenizer.token_to_id("</s>"))]
    return processors.TemplateProcessing(single="$A </s>", pair="$A $B </s>", special_tokens=ends)


def one_by_one(folder: Path) -> list[float]:
    """Return the logits that transformers gives, one pair at a time and without padding."""
    maker: Any = AutoTokenizer
    tokenizer, model = maker.from_pretrained(folder), AutoModelForSequenceClassification.from_pretrained(folder).eval()
    logits = []
    with torch.inference_mode():
        for query, text in PAIRS:
            encoded = tokenizer(query, text, truncation="only_second", max_length=96, return_tensors="pt")
            logits.append(float(model(encoded["input_ids"], attention_mask=encoded["attention_mask"]).logits[0, 0]))
    return logits


CASES: list[tuple[str, str | None, int | None, bool]] = [
    ("qwen2", "<pad>", PAD, False),
    ("qwen2", "<pad>", None, False),
    ("gpt2", "<pad>", None, False),
    ("gpt2", None, None, False),
    ("gpt2", "</s>", None, False),
    ("gpt2", "</s>", None, True),
    ("llama", "<pad>", None, True),
    ("llama", None, None, True),
    ("llama", "</s>", PAD, True),
    ("llama", "<pad>", -1, False),
    ("llama", None, -1, False),
]


@pytest.mark.parametrize(("kind", "pad_token", "pad_id", "closed"), CASES)
def test_a_decoder_scores_what_transformers_scores_one_pair_at_a_time(
    kind: str, pad_token: str | None, pad_id: int | None, closed: bool, tmp_path: Path
) -> None:
    folder = save_decoder(kind, tmp_path, pad_token, pad_id, closed)
    expected = one_by_one(folder)
    assert np.ptp(expected) > 0.1
    assert CrossEncoder(folder).score(PAIRS).logits == pytest.approx(expected, abs=1e-5)


def test_a_decoder_is_batched_if_there_is_a_padding_token_and_else_scores_one_pair_at_a_time(tmp_path: Path) -> None:
    padded = CrossEncoder(save_decoder("gpt2", tmp_path / "padded", "<pad>", None))
    assert (padded.most_rows, padded.encoder.pad_id, padded.model.config.pad_token_id) == (None, PAD, PAD)
    for name, pad_token in (("none", None), ("closing", "</s>")):
        alone = CrossEncoder(save_decoder("gpt2", tmp_path / name, pad_token, None, closed=True))
        assert (alone.most_rows, alone.model.config.pad_token_id) == (1, None)


@pytest.mark.parametrize("backend", [CrossEncoder, OnnxCrossEncoder])
def test_an_encoder_without_padding_in_its_config_is_batched(
    backend: type[CrossEncoder | OnnxCrossEncoder], tmp_path: Path
) -> None:
    folder = export_onnx(save_family("bert", tmp_path))
    expected = backend(folder).score(PAIRS).logits
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"pad_token_id": None}))
    scorer = backend(folder)
    assert scorer.most_rows is None
    assert scorer.score(PAIRS).logits == pytest.approx(expected, abs=1e-5)


def test_a_model_that_mixes_the_padding_into_its_scores_scores_one_pair_at_a_time(tmp_path: Path) -> None:
    scorer = CrossEncoder(save_family("fnet", tmp_path))
    assert scorer.most_rows == 1
    alone = [float(scorer.score([pair]).logits[0]) for pair in PAIRS]
    assert scorer.score(PAIRS).logits.tolist() == alone


def test_a_pair_of_empty_texts_without_special_tokens_has_a_score_of_its_own(tmp_path: Path) -> None:
    scorer = CrossEncoder(save_decoder("gpt2", tmp_path, "<pad>", PAD))
    assert scorer.encoder.frame.size == 0
    alone = float(scorer.score([("", "")]).logits[0])
    among = scorer.score([("", ""), *PAIRS]).logits
    assert np.isfinite(alone) and among[0] == pytest.approx(alone, abs=1e-5)


class Failing(CrossEncoder):
    """A model that raises an exception of another kind than RuntimeError."""

    def refuse(self, **inputs: torch.Tensor) -> None:
        raise IndexError("index 7 is out of range in self")

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        self.model = self.refuse
        return super().forward(batch)


def test_any_exception_of_a_model_or_a_tokenizer_is_a_model_error(tmp_path: Path) -> None:
    folder = save_family("bert", tmp_path)
    with pytest.raises(ModelError, match="^mine: torch could not run it: IndexError: index 7 is out of range"):
        Failing(folder, name="mine").score(PAIRS)
    scorer = CrossEncoder(folder, name="mine")
    broken = json.loads((folder / "tokenizer.json").read_text())
    del broken["model"]["vocab"]["[UNK]"]
    broken["model"]["unk_token"] = "[GONE]"
    scorer.encoder.tokenizer = Tokenizer.from_str(json.dumps(broken))
    with pytest.raises(ModelError, match="^mine: its tokenizer cannot read the texts: Exception: WordPiece error"):
        scorer.score([("cat", "日")])
