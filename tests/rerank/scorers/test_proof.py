"""An int8 folder proves itself when it is loaded: damaged files and wrong kernels are found, and float32 takes over."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.onnx_runtime import onnxruntime
from resift.rerank.scorers.proof import order_agreement, read_proof
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import make_tokenizer
from tests.rerank.training.export.exports import HELD_OUT, export_small


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_small(tmp_path_factory.mktemp("exported")).folder


@pytest.fixture
def whole(exported: Path, tmp_path: Path) -> Path:
    """The folder with both graphs, safetensors removed."""
    folder = Path(shutil.copytree(exported, tmp_path / "whole"))
    (folder / "model.safetensors").unlink()
    return folder


@pytest.fixture
def alone(whole: Path) -> Path:
    """The folder with the int8 graph alone."""
    (whole / "onnx" / "model.onnx").unlink()
    return whole


def flip_weights(folder: Path, every: int = 3) -> None:
    """Flip a bit of every third byte of the largest int8 matrix that is multiplied, at its place in the file."""
    path = folder / "onnx" / "model_int8.onnx"
    graph = onnx.load(path).graph
    weights = {node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    largest = max((one for one in graph.initializer if one.name in weights), key=lambda one: len(one.raw_data))
    content = path.read_bytes()
    start = content.index(largest.raw_data)
    damaged = bytearray(content)
    for place in range(start, start + len(largest.raw_data), every):
        damaged[place] ^= 0x20
    path.write_bytes(bytes(damaged))


def change_proof(folder: Path, **changes: object) -> None:
    content = json.loads((folder / "proof.json").read_text())
    (folder / "proof.json").write_text(json.dumps(content | changes))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_good_folder_passes_without_a_word(whole: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert OnnxCrossEncoder(whole).precision == "int8"
    assert OnnxCrossEncoder(whole, ScorerSettings(max_length=16, threads=1)).precision == "int8"
    assert caplog.records == []


def test_the_proof_has_32_pairs_of_different_lengths_with_the_logits_of_float32(whole: Path) -> None:
    proof = read_proof(read_folder(whole))
    assert proof is not None and len(proof.pairs) == 32
    scorer = OnnxCrossEncoder(whole, ScorerSettings(dtype="float32", max_length=proof.max_length))
    assert scorer.score(proof.pairs).logits == pytest.approx(proof.logits, abs=1e-4)
    lengths = [len(scorer.encoder.tokenizer.encode(*pair).ids) for pair in proof.pairs]
    assert len(set(lengths)) > 16 and max(lengths) <= 48
    assert 0 < proof.mean < proof.largest and 0.5 < proof.order <= 1


def test_a_damaged_file_gives_way_to_the_float32_graph_with_one_warning(
    whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = OnnxCrossEncoder(whole, ScorerSettings(dtype="float32")).score(HELD_OUT).logits
    flip_weights(whole)
    with caplog.at_level(logging.WARNING, "resift.models"):
        scorers = [OnnxCrossEncoder(whole, name="mine") for _ in range(2)]
    assert [record.getMessage() for record in caplog.records] == [
        "mine: onnx/model_int8.onnx is not the file that was exported (its SHA-256 differs); "
        "it runs from onnx/model.onnx, which is slower"
    ]
    for scorer in scorers:
        assert scorer.precision == "float32"
        assert scorer.score(HELD_OUT).logits.tolist() == expected.tolist()


def test_a_damaged_file_without_a_float32_graph_is_refused(alone: Path) -> None:
    flip_weights(alone, every=10**9)  # one bit
    with pytest.raises(
        ModelError, match="^mine: .*SHA-256 differs.*scores would be wrong: download it again"
    ) as caught:
        OnnxCrossEncoder(alone, name="mine")
    assert "\n" not in str(caught.value)


def test_weights_that_were_changed_before_the_digest_was_made_are_found_by_their_scores(alone: Path) -> None:
    flip_weights(alone)
    change_proof(alone, sha256=digest(alone / "onnx" / "model_int8.onnx"))
    with pytest.raises(ModelError, match=r"its scores differ from float32 by .*; expected at most"):
        OnnxCrossEncoder(alone)


def test_a_repaired_file_is_proved_again(alone: Path) -> None:
    good = (alone / "onnx" / "model_int8.onnx").read_bytes()
    flip_weights(alone)
    with pytest.raises(ModelError):
        OnnxCrossEncoder(alone)
    (alone / "onnx" / "model_int8.onnx").write_bytes(good)
    assert OnnxCrossEncoder(alone).precision == "int8"


PROOFS: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "proof.json").unlink(), "no proof.json, which resift.json names"),
    (lambda folder: (folder / "proof.json").write_text("{"), "proof.json cannot be read as JSON"),
    (lambda folder: (folder / "proof.json").write_text("[]"), "proof.json is not a proof"),
    (lambda folder: change_proof(folder, pairs=[]), "proof.json is not a proof"),
    (lambda folder: change_proof(folder, pairs=[{"query": 1, "document": "a", "logit": 0}]), "is not a proof"),
    (lambda folder: change_proof(folder, mean="few"), "proof.json is not a proof"),
    (lambda folder: change_proof(folder, mean=float("nan")), "proof.json is not a proof"),
    (lambda folder: change_proof(folder, largest=float("inf")), "proof.json is not a proof"),
    (lambda folder: change_proof(folder, order=10**400), "proof.json is not a proof"),
    (lambda folder: change_proof(folder, file="../other.onnx"), "proof.json is not a proof"),
    (lambda folder: change_proof(folder, file="other.onnx"), "no other.onnx, which its proof names"),
    (lambda folder: (folder / "resift.json").write_text('{"proof": "../proof.json"}'), "not the name of a file"),
    (lambda folder: (folder / "resift.json").write_text('{"proof": 1}'), "not the name of a file"),
]


@pytest.mark.parametrize(("damage", "message"), PROOFS, ids=[str(number) for number in range(len(PROOFS))])
def test_an_unusable_proof_is_refused_with_a_one_line_message(
    alone: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(alone)
    with pytest.raises(ModelError, match=message) as caught:
        OnnxCrossEncoder(alone, name="mine")
    assert str(caught.value).startswith("mine: ") and "\n" not in str(caught.value)


def test_a_folder_without_a_proof_is_loaded_as_it_is(alone: Path) -> None:
    flip_weights(alone)
    (alone / "resift.json").unlink()
    assert OnnxCrossEncoder(alone).precision == ""


def wide_product(folder: Path) -> list[dict[str, Any]]:
    """Save a graph whose int8 product saturates 16 bits in kernels that add pairs there; return the proof's rows.

    The logit of a pair is the sum of 64 numbers of its first document token's row, each times one weight: rows and
    weights are as large as uint8 and int8 can be.
    """
    draw = np.random.default_rng(0)
    tokenizer = make_tokenizer("bert")
    size = tokenizer.get_vocab_size()
    table = draw.choice([0, 200, 255], (size, 64)).astype(np.float32) / 255
    weight = np.tile(np.array([[127], [127], [-127], [127]], np.int8), (16, 1))
    constants = {
        "table": table,
        "at": np.array(3),
        "x_scale": np.float32(1 / 255),
        "x_zero": np.uint8(0),
        "weight": np.repeat(weight, 16, 1),
        "w_scale": np.full(16, 1 / 127, np.float32),
        "w_zero": np.zeros(16, np.int8),
        "first": np.array([0]),
    }
    nodes = [
        helper.make_node("Gather", ["input_ids", "at"], ["ids"], axis=1),
        helper.make_node("Gather", ["table", "ids"], ["row"]),
        helper.make_node("QuantizeLinear", ["row", "x_scale", "x_zero"], ["x8"]),
        helper.make_node("DequantizeLinear", ["x8", "x_scale", "x_zero"], ["x"]),
        helper.make_node("DequantizeLinear", ["weight", "w_scale", "w_zero"], ["w"], axis=1),
        helper.make_node("MatMul", ["x", "w"], ["sums"]),
        helper.make_node("Gather", ["sums", "first"], ["logits"], axis=1),
    ]
    given = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["rows", "tokens"])]
    made = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", 1])]
    arrays = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "wide", given, made, arrays)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"architectures": ["BertForSequenceClassification"], "num_labels": 1, "max_position_embeddings": 32}
    (folder / "config.json").write_text(json.dumps(config | {"pad_token_id": 0}))
    words = ("river", "stone", "bridge", "dog", "food", "market", "price", "query")
    rows = []
    for word in words:
        row = table[tokenizer.encode("cat", word).ids[3]].astype(np.float64)
        rows.append({"query": "cat", "document": word, "logit": float(row @ (weight[:, 0] / 127.0))})
    return rows


def kernel_saturates() -> bool:
    """Return whether ONNX Runtime's product of uint8 and int8 is wrong on this processor, by a product alone."""
    given = helper.make_tensor_value_info("a", TensorProto.UINT8, [4, 64])
    made = helper.make_tensor_value_info("c", TensorProto.INT32, [4, 16])
    weight = numpy_helper.from_array(np.full((64, 16), 127, np.int8), "b")
    graph = helper.make_graph([helper.make_node("MatMulInteger", ["a", "b"], ["c"])], "one", [given], [made], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    [found] = session.run(["c"], {"a": np.full((4, 64), 255, np.uint8)})
    return bool((found != 64 * 255 * 127).any())


def test_a_graph_that_saturates_on_this_processor_runs_in_float32(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = wide_product(tmp_path)
    content = {"file": "model.onnx", "sha256": digest(tmp_path / "model.onnx"), "max_length": 32, "pairs": rows}
    (tmp_path / "proof.json").write_text(json.dumps(content | {"largest": 0.1, "mean": 0.05, "order": 0.98}))
    (tmp_path / "resift.json").write_text('{"proof": "proof.json"}')
    with caplog.at_level(logging.WARNING, "resift.models"):
        scorer = OnnxCrossEncoder(tmp_path, name="wide")
    found = scorer.score([(row["query"], row["document"]) for row in rows]).logits
    assert found == pytest.approx([row["logit"] for row in rows], abs=0.05)
    if kernel_saturates():
        assert scorer.precision == "float32"
        [record] = caplog.records
        assert "wide: its scores differ from float32 by" in record.getMessage()
        assert "it runs with its int8 weights in float32, which is slower" in record.getMessage()
    else:
        assert scorer.precision == "int8" and caplog.records == []


def test_the_agreement_of_orders_counts_pairs() -> None:
    assert order_agreement(np.array([1, 2, 3, 4], np.float32), np.array([1, 2, 4, 3], np.float32)) == pytest.approx(
        5 / 6
    )
    assert order_agreement(np.array([1, 2], np.float32), np.array([5, 5], np.float32)) == 1.0
    assert order_agreement(np.array([7, 7], np.float32), np.array([1, 2], np.float32)) == 0.0
