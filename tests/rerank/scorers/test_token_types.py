"""Token types reach a model only where transformers passes them; otherwise they are zeros, in ONNX as in torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import CrossEncoder as TheirCrossEncoder
from transformers import AutoTokenizer

from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from tests.rerank.scorers.small_models import export_onnx, make_tokenizer, save_family, sentences

PAIRS = [("cat food", text) for text in sentences(6, seed=3)]
ONE_THREAD = ScorerSettings(threads=1, device="cpu")


def edit(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def with_types(folder: Path) -> Path:
    """Give the tokens of the document the type 1 in the folder's tokenizer.json."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    for part in tokenizer["post_processor"]["pair"][3:]:
        next(iter(part.values()))["type_id"] = 1
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


def assert_all_three_agree(folder: Path) -> list[float]:
    """Compare ONNX, torch and sentence-transformers, and return the logits."""
    theirs: Any = TheirCrossEncoder(str(folder), device="cpu").predict(PAIRS, activation_fn=torch.nn.Identity())
    ours = [scorer(folder, ONE_THREAD).score(PAIRS).logits for scorer in (OnnxCrossEncoder, CrossEncoder)]
    assert [logits.tolist() for logits in ours] == [pytest.approx(theirs.tolist(), abs=1e-5)] * 2
    found: list[float] = theirs.tolist()
    return found


def test_types_are_zeros_if_the_tokenizers_input_names_lack_them(tmp_path: Path) -> None:
    folder = export_onnx(save_family("bert", tmp_path))
    typed = assert_all_three_agree(folder)
    edit(folder / "tokenizer_config.json", model_input_names=["input_ids", "attention_mask"])
    assert max(abs(a - b) for a, b in zip(assert_all_three_agree(folder), typed, strict=True)) > 0.01
    edit(folder / "tokenizer_config.json", model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    assert assert_all_three_agree(folder) == typed


def test_a_graph_that_reads_types_of_a_model_with_one_type_gets_zeros(tmp_path: Path) -> None:
    folder = with_types(export_onnx(save_family("xlm-roberta", tmp_path), types=True))
    names = {given.name for given in OnnxCrossEncoder(folder, ONE_THREAD).graph.session.get_inputs()}
    assert "token_type_ids" in names
    assert_all_three_agree(folder)
    edit(folder / "tokenizer_config.json", model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    ours = [scorer(folder, ONE_THREAD).score(PAIRS).logits for scorer in (OnnxCrossEncoder, CrossEncoder)]
    assert ours[0] == pytest.approx(ours[1], abs=1e-5)


def test_a_graph_without_the_input_is_not_given_the_types_of_the_tokenizer(tmp_path: Path) -> None:
    folder = export_onnx(save_family("bert", tmp_path), types=False)
    found, zeros = OnnxCrossEncoder(folder, ONE_THREAD).score(PAIRS).logits, "model_input_names"
    edit(folder / "tokenizer_config.json", **{zeros: ["input_ids", "attention_mask"]})
    assert found == pytest.approx(CrossEncoder(folder, ONE_THREAD).score(PAIRS).logits, abs=1e-5)


CLASSES = ["BertTokenizer", "BertTokenizerFast", "ElectraTokenizerFast", "DistilBertTokenizer", "MPNetTokenizerFast"]
CLASSES += ["PreTrainedTokenizerFast", "RobertaTokenizerFast"]
UNIGRAM = ["XLMRobertaTokenizer", "XLMRobertaTokenizerFast", "DebertaV2Tokenizer", "DebertaV2TokenizerFast"]
DECIDED: list[tuple[str, str, str | None]] = [("bert", "bert", kind) for kind in CLASSES]
DECIDED += [("xlm-roberta", "xlm-roberta", kind) for kind in UNIGRAM]
DECIDED += [("bert", kind, None) for kind in ("bert", "convbert", "electra", "mobilebert", "mpnet")]
DECIDED += [("xlm-roberta", "xlm-roberta", None), ("roberta", "roberta", None), ("roberta", "deberta", None)]


@pytest.mark.parametrize(("family", "model_type", "kind"), DECIDED)
def test_a_tokenizer_class_has_types_if_transformers_says_so(
    family: str, model_type: str, kind: str | None, tmp_path: Path
) -> None:
    make_tokenizer(family).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type, "type_vocab_size": 2}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind} if kind else {}))
    theirs: Any = AutoTokenizer.from_pretrained(tmp_path)
    assert read_folder(tmp_path).token_types == ("token_type_ids" in theirs.model_input_names)


def test_a_folder_that_names_neither_class_nor_type_gives_what_its_tokenizer_gives(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert read_folder(tmp_path).token_types
