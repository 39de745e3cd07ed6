"""An exported folder is loaded by transformers, sentence-transformers and resift alike, and holds what was checked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder as TheirCrossEncoder
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.rerank.training.dequantize import read_weights
from resift.rerank.training.export.folder import Exported, export_folder
from resift.rerank.training.export.settings import ExportSettings
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.training.export.exports import HELD_OUT, export_small, pairs_of_texts


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_small(tmp_path_factory.mktemp("bert"))


def test_transformers_sentence_transformers_and_resift_load_it_with_the_same_scores(made: Exported) -> None:
    expected = CrossEncoder(made.folder.parent / "source").score(HELD_OUT).logits
    tokenizer = AutoTokenizer.from_pretrained(made.folder)
    model = AutoModelForSequenceClassification.from_pretrained(made.folder).eval()
    queries, documents = map(list, zip(*HELD_OUT, strict=True))
    with torch.inference_mode():
        theirs = model(**tokenizer(queries, documents, padding=True, return_tensors="pt")).logits[:, 0].numpy()
    assert theirs == pytest.approx(expected, abs=1e-5)
    assert TheirCrossEncoder(str(made.folder)).predict(HELD_OUT) == pytest.approx(expected, abs=1e-5)
    assert load_scorer(str(made.folder)).predict(HELD_OUT) == pytest.approx(expected, abs=1e-5)


def test_the_onnx_backend_runs_int8_by_default_and_the_float32_graph_if_asked(made: Exported) -> None:
    expected = CrossEncoder(made.folder).score(HELD_OUT).logits
    exact = OnnxCrossEncoder(made.folder, ScorerSettings(dtype="float32"))
    int8 = OnnxCrossEncoder(made.folder)
    assert (exact.precision, int8.precision) == ("float32", "int8") == ("float32", made.precision)
    assert exact.score(HELD_OUT).logits == pytest.approx(expected, abs=1e-5)
    gaps = np.abs(int8.score(HELD_OUT).logits - expected)
    assert 1e-4 < gaps.max() < 3 * made.int8.largest and gaps.mean() < 0.2 * expected.std()


def test_what_was_compared_is_in_the_folder(made: Exported) -> None:
    content = json.loads((made.folder / "resift.json").read_text())
    assert content["export"]["int8"]["order"] == made.int8.order > 0.9
    assert made.float32.largest < 1e-4 and content["export"]["float32"]["pairs"] == made.float32.pairs == 32
    assert made.int8_bytes == (made.folder / "onnx" / "model_int8.onnx").stat().st_size
    assert json.loads((made.folder / "config.json").read_text())["sentence_transformers"] == {
        "activation_fn": "torch.nn.Identity"
    }


def test_most_pairs_have_the_same_int8_score_alone_and_beside_others(made: Exported) -> None:
    scorer = OnnxCrossEncoder(made.folder)
    together = scorer.score(HELD_OUT).logits
    alone = np.concatenate([scorer.score([pair]).logits for pair in HELD_OUT])
    assert np.median(np.abs(together - alone)) < 1e-5


def test_int8_alone_is_a_small_folder_that_needs_no_torch(tmp_path: Path, made: Exported) -> None:
    small = export_small(tmp_path, settings=ExportSettings(int8_only=True))
    files = {path.relative_to(small.folder).as_posix() for path in small.folder.rglob("*")}
    described = {"config.json", "vocab.txt", "tokenizer_config.json", "resift.json"}
    assert files == {"model.onnx", "proof.json"} | described
    scorer = load_scorer(str(small.folder))
    assert isinstance(scorer, OnnxCrossEncoder) and scorer.precision == "int8"
    assert scorer.score(HELD_OUT).logits == pytest.approx(
        OnnxCrossEncoder(made.folder).score(HELD_OUT).logits, abs=1e-5
    )
    slow = OnnxCrossEncoder(small.folder, ScorerSettings(dtype="float32"))
    assert slow.precision == "float32"
    assert slow.score(HELD_OUT).logits == pytest.approx(scorer.score(HELD_OUT).logits, abs=small.int8.largest)


def test_training_reads_the_weights_of_the_int8_graph_back(made: Exported) -> None:
    config = BertConfig.from_pretrained(made.folder)
    found = read_weights(made.folder / "onnx" / "model_int8.onnx", config, "small")
    model = AutoModelForSequenceClassification.from_pretrained(made.folder)
    for name, values in model.state_dict().items():
        if values.ndim == 2:
            gap = float(np.abs(found[name] - values.numpy()).mean() / values.std())
            assert gap < 0.05, name


@pytest.mark.parametrize("family", ["roberta", "modernbert"])
def test_other_families_are_exported_too(family: str, tmp_path: Path) -> None:
    made = export_small(tmp_path, family)
    expected = CrossEncoder(made.folder).score(HELD_OUT).logits
    exact = OnnxCrossEncoder(made.folder, ScorerSettings(dtype="float32")).score(HELD_OUT).logits
    assert exact == pytest.approx(expected, abs=1e-5)
    assert made.int8.mean < 0.2 * made.int8.spread and made.precision == "int8"


def test_too_few_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="pairs: 31 different pairs were given; expected 32 or more"):
        export_folder(tmp_path, tmp_path / "model", [*pairs_of_texts(31), *pairs_of_texts(31)])
    with pytest.raises(SettingsError, match="calibration_pairs: 8 pairs are too few"):
        ExportSettings(calibration_pairs=8)


def test_a_folder_with_files_is_replaced_only_if_that_is_wished_and_it_is_a_model(
    tmp_path: Path, made: Exported
) -> None:
    source = made.folder.parent / "source"
    (tmp_path / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(SettingsError, match="is not empty; choose another one"):
            export_folder(source, tmp_path, pairs_of_texts(), overwrite=overwrite)
    with pytest.raises(SettingsError, match="is not empty; choose another folder, or use `overwrite`"):
        export_folder(source, made.folder, pairs_of_texts())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "config.json").write_text('{"name": "an application"}')
    with pytest.raises(SettingsError, match=r"has notes\.txt, which is not of a model; choose another folder"):
        export_folder(source, tmp_path, pairs_of_texts(), overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_int8_graph_that_orders_too_badly_is_refused_and_leaves_nothing(tmp_path: Path, made: Exported) -> None:
    strict = ExportSettings(least_order=1.0)
    with pytest.raises(ModelError, match=r"int8 puts only \d\d\.\d% of the pairs of documents in the order of float32"):
        export_folder(made.folder, tmp_path / "model", pairs_of_texts(), strict)
    assert list(tmp_path.iterdir()) == []
