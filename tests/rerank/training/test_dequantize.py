from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: TID251 - a part that scores nothing
from safetensors.torch import load_file

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.lookup import EMBEDDED_FOLDER
from resift.rerank.scorers.registry import DEFAULT_MODEL, MODELS
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.dequantize import dequantize_folder
from resift.rerank.training.export.folder import export_folder
from resift.rerank.training.export.settings import ExportSettings
from resift.rerank.training.finetuning.base import find_base, load_base
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import export_onnx, save_family, sentences

QUERIES = ("how to bake bread", "symptoms of a heart attack", "who wrote hamlet", "python sort a list")
DOCUMENTS = (
    "Mix flour, water and yeast, let the dough rise, and bake the bread for forty minutes.",
    "Chest pain and shortness of breath are signs of a heart attack.",
    "Hamlet is a tragedy written by William Shakespeare around the year 1600.",
    "Use the built-in function sorted to sort a list in Python.",
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small BERT with its float32 graph."""
    folder = save_family("bert", tmp_path_factory.mktemp("models") / "small")
    return export_onnx(folder)


def test_a_float32_graph_gives_back_the_weights_exactly(small: Path, tmp_path: Path) -> None:
    found = load_file(dequantize_folder(small, small / "model.onnx", tmp_path / "again") / "model.safetensors")
    before = load_file(small / "model.safetensors")
    assert found.keys() == before.keys()
    assert all(torch.allclose(found[name], before[name], atol=1e-7) for name in before)


def test_a_graph_of_dynamic_quantization_gives_back_the_weights_to_half_a_step(small: Path, tmp_path: Path) -> None:
    quantize_dynamic(str(small / "model.onnx"), str(tmp_path / "int8.onnx"), weight_type=QuantType.QInt8)
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "int8.onnx")).graph.node}
    assert "MatMulInteger" in kinds
    found = load_file(dequantize_folder(small, tmp_path / "int8.onnx", tmp_path / "again") / "model.safetensors")
    before = load_file(small / "model.safetensors")
    for name, weight in before.items():
        step = float(weight.max() - weight.min()) / 255 + float(weight.abs().max()) / 127
        assert float((found[name] - weight).abs().max()) <= 0.51 * step + 1e-6, name


def test_a_folder_that_resift_exported_as_int8_alone_can_be_the_base(small: Path, tmp_path: Path) -> None:
    pairs = list(zip(sentences(40, 1), sentences(40, 2), strict=True))
    export_folder(small, tmp_path / "int8", pairs, ExportSettings(int8_only=True))
    assert not list((tmp_path / "int8").glob("*.safetensors"))
    base, origin = find_base(str(tmp_path / "int8"))
    model = load_base(base, origin.name, tmp_path / "work")
    before, found = load_file(small / "model.safetensors"), load_file(tmp_path / "work" / "model.safetensors")
    for name, weight in before.items():
        if weight.ndim == 2:
            both = torch.stack([weight.flatten(), found[name].flatten()])
            assert float(torch.corrcoef(both)[0, 1]) > 0.99, name  # int8 has 7 bits here
    assert model.config.num_hidden_layers == 2


def test_the_embedded_default_can_be_trained_again(tmp_path: Path) -> None:
    folder = EMBEDDED_FOLDER / MODELS[DEFAULT_MODEL]
    dequantize_folder(folder, folder / "model.onnx", tmp_path / "again")
    pairs = [(query, document) for query in QUERIES for document in DOCUMENTS]
    settings = ScorerSettings(threads=1)
    before = load_scorer(DEFAULT_MODEL, settings).score(pairs).logits
    after = load_scorer(str(tmp_path / "again"), settings).score(pairs).logits
    assert float(np.abs(before - after).max()) < 1.0  # of about 10 between relevant documents and others
    assert float(np.corrcoef(before, after)[0, 1]) > 0.99
    best = np.asarray(after).reshape(len(QUERIES), len(DOCUMENTS)).argmax(1)
    assert best.tolist() == [0, 1, 2, 3]


def test_a_graph_that_is_no_bert_is_refused(small: Path, tmp_path: Path) -> None:
    other = export_onnx(save_family("distilbert", tmp_path / "other"))
    with pytest.raises(ModelError, match="its ONNX graph is not that of a BERT cross-encoder"):
        dequantize_folder(small, other / "model.onnx", tmp_path / "again")
    (tmp_path / "broken.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelError, match="broken.onnx cannot be read as ONNX"):
        dequantize_folder(small, tmp_path / "broken.onnx", tmp_path / "again")


def test_a_graph_of_another_number_of_layers_is_refused(small: Path, tmp_path: Path) -> None:
    other = export_onnx(save_family("bert", tmp_path / "other", num_hidden_layers=1))
    with pytest.raises(ModelError, match="it has 8 linear layers and 3 normalizations; 2 layers .* have 14 and 5"):
        dequantize_folder(small, other / "model.onnx", tmp_path / "again")
