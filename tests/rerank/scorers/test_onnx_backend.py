"""ONNX Runtime gives the same scores as torch, does not import torch, and unusable folders are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.predictor import Batch, short_of_memory
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.scorers.small_models import export_onnx, make_tokenizer, save_family, sentences

PAIRS = [(query, document) for query in ("cat food", "the price of bread") for document in sentences(15, seed=3)]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_onnx(save_family("bert", tmp_path_factory.mktemp("bert")))


def save_sum(folder: Path, inputs: tuple[str, ...] = ("input_ids",), keepdims: int = 1, output: str = "logits") -> Path:
    """Save a folder whose graph returns the sum of a pair's ids as its logit; return the folder.

    The shape of the output is (rows, 1), or (rows,) if `keepdims` is 0.
    """
    given = [helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "tokens"]) for name in inputs]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["wide", "axes"], [output], keepdims=keepdims),
    ]
    shape: list[str | int | None] = ["rows", 1] if keepdims else ["rows"]
    made = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "sum", given, [made], [axes])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "model.onnx")
    make_tokenizer("bert").save(str(folder / "tokenizer.json"))
    config = {"architectures": ["BertForSequenceClassification"], "num_labels": 1, "max_position_embeddings": 32}
    (folder / "config.json").write_text(json.dumps(config | {"pad_token_id": 0}))
    return folder


@pytest.mark.parametrize("family", ["bert", "electra", "roberta", "distilbert", "xlm-roberta"])
def test_scores_equal_those_of_torch_on_the_same_weights(family: str, tmp_path: Path) -> None:
    folder = export_onnx(save_family(family, tmp_path))
    for length in (40, 96):
        limits = ScorerSettings(max_length=length, batch_tokens=400)
        ours, torchs = OnnxCrossEncoder(folder, limits).score(PAIRS), CrossEncoder(folder, limits).score(PAIRS)
        assert ours.logits == pytest.approx(torchs.logits, abs=1e-5)
        assert ours.truncated.tolist() == torchs.truncated.tolist()
        assert float(np.ptp(ours.logits)) > 0.1


def test_rank_and_predict_give_the_same_results_as_torch(bert: Path) -> None:
    ours, torchs = OnnxCrossEncoder(bert), CrossEncoder(bert)
    documents = sentences(15, seed=3)
    assert ours.predict(PAIRS) == pytest.approx(torchs.predict(PAIRS), abs=1e-5)
    assert [row["corpus_id"] for row in ours.rank("cat food", documents)] == [
        row["corpus_id"] for row in torchs.rank("cat food", documents)
    ]


def test_loading_and_scoring_import_neither_torch_nor_transformers(bert: Path) -> None:
    program = (
        "import sys\n"
        "from resift import ScorerSettings, load_scorer\n"
        f"scorer = load_scorer({str(bert)!r}, ScorerSettings(backend='onnx'))\n"
        "assert len(scorer.rank('cat', ['dog', 'river'])) == 2\n"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


def test_a_graph_in_the_subfolder_onnx_is_found(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    save_sum(tmp_path)
    (tmp_path / "model.onnx").rename(tmp_path / "onnx" / "model.onnx")
    assert OnnxCrossEncoder(tmp_path).score([("cat", "dog")]).logits.shape == (1,)


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("inputs", [("input_ids",), ("token_type_ids", "input_ids", "attention_mask")])
def test_inputs_are_passed_by_name_and_the_logits_may_have_one_or_two_axes(
    tmp_path: Path, inputs: tuple[str, ...], keepdims: int
) -> None:
    scorer = OnnxCrossEncoder(save_sum(tmp_path, inputs, keepdims, output="score"))
    own = make_tokenizer("bert")
    expected = [float(sum(own.encode("cat", text).ids)) for text in ("dog", "the river", "dog")]
    assert scorer.score([("cat", "dog"), ("cat", "the river"), ("cat", "dog")]).logits.tolist() == expected


def test_the_window_is_limited_by_the_positions_and_by_model_max_length(tmp_path: Path) -> None:
    assert OnnxCrossEncoder(save_sum(tmp_path)).encoder.max_length == 32
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 24}')
    assert OnnxCrossEncoder(tmp_path).encoder.max_length == 24


def test_settings_that_an_onnx_model_does_not_support_are_refused(tmp_path: Path) -> None:
    save_sum(tmp_path)
    with pytest.raises(SettingsError, match="dtype: bfloat16 needs a torch model"):
        OnnxCrossEncoder(tmp_path, ScorerSettings(dtype="bfloat16"))
    with pytest.raises(SettingsError, match="device: 'mps' is not supported"):
        OnnxCrossEncoder(tmp_path, ScorerSettings(device="mps"))


def half_of_the_graph(folder: Path) -> None:
    path = folder / "model.onnx"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def two_scores_a_pair(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    del model.graph.node[1], model.graph.output[0]
    model.graph.node[0].output[0] = "logits"
    model.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", "tokens"]))
    onnx.save(model, folder / "model.onnx")


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (half_of_the_graph, "model.onnx cannot be loaded"),
    (lambda folder: (folder / "model.onnx").write_text("version https://git-lfs"), "model.onnx cannot be loaded"),
    (lambda folder: (folder / "model.onnx").write_bytes(b""), "cannot be loaded"),
    (lambda folder: (folder / "model.onnx").unlink(), "no model.onnx"),
    (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json"),
    (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer.json cannot be read"),
    (lambda folder: (folder / "config.json").write_text("{"), "config.json cannot be read as JSON"),
    (lambda folder: (folder / "config.json").write_text('{"num_labels": 1}'), "no trained scoring head"),
    (
        lambda folder: save_sum(folder, ("input_ids", "pixel_values")),
        "the inputs of its graph are input_ids, pixel_values",
    ),
    (two_scores_a_pair, r"its output logits has the shape \(2, \d+\) for 2 pairs"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGE, ids=[message[:40] for _, message in DAMAGE])
def test_an_unusable_folder_is_refused_with_a_one_line_message(
    tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(save_sum(tmp_path))
    with pytest.raises(ModelError, match=message) as caught:
        OnnxCrossEncoder(tmp_path, name="mine").score([("cat", "dog"), ("cat", "river")])
    assert str(caught.value).startswith("mine: ")
    assert "\n" not in str(caught.value)


class NarrowMemory(OnnxCrossEncoder):
    """An ONNX model on a machine with memory for at most four rows."""

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        real = self.graph.session
        self.graph.session = self if len(batch["input_ids"]) > 4 else real
        try:
            return super().forward(batch)
        finally:
            self.graph.session = real

    def run(self, outputs: list[str], inputs: dict[str, NDArray[np.int64]]) -> None:
        raise RuntimeError("bfc_arena.cc:376 AllocateRawInternal Failed to allocate memory for requested buffer")


def test_an_out_of_memory_error_of_onnx_runtime_halves_the_batch(bert: Path) -> None:
    narrow, wide = NarrowMemory(bert), OnnxCrossEncoder(bert)
    assert narrow.score(PAIRS).logits == pytest.approx(wide.score(PAIRS).logits, abs=1e-5)


def test_other_errors_of_onnx_runtime_are_not_treated_as_out_of_memory() -> None:
    assert short_of_memory(RuntimeError("std::bad_alloc"))
    assert not short_of_memory(RuntimeError("Got invalid dimensions for input: input_ids"))


def test_scoring_writes_nothing_into_the_home_of_the_user(tmp_path: Path) -> None:
    program = "from resift import load_scorer\nprint(load_scorer('resift-tiny').predict([('a', 'b')])[0])\n"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environment = {**kept, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0 and float(done.stdout) and done.stderr == ""
    assert list(tmp_path.rglob("*")) == []  # ONNX Runtime's telemetry keeps an id and its events there
