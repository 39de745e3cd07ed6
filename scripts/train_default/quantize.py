"""Int8 for ONNX Runtime, with fixed activation ranges that are determined on training pairs.

With fixed ranges, the score of a pair does not depend on the other pairs of its batch;
with dynamic quantization (one range for a whole batch) it does. Channels are first
smoothed as in SmoothQuant (Xiao et al. 2023, equation 4): inputs are divided by s, and
weights multiplied by it. Then x is uint8 with one range, and W int8 with one scale for
each column: x @ W is approximately a_scale * w_scale * (x8 - zero) @ W8.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn
from transformers import BertForSequenceClassification

from .model import score

Float = NDArray[np.float32]
WORD_TABLE = "student.bert.embeddings.word_embeddings.weight"
ROWS_KEPT = 4096  # activations of a layer that are kept, to choose its smoothing
STRENGTHS = (0.0, 0.3, 0.5, 0.65, 0.8)
SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
WEIGHT_TOP = 63  # 7 bits: 2 * 255 * 63 < 2 ** 15, so that processors without VNNI do not saturate


@dataclass(slots=True)
class Observed:
    """The input of one linear layer: the range of each channel, and a sample of rows."""

    weight: Float
    low: Float
    high: Float
    rows: list[Float] = field(default_factory=list)

    def add(self, rows: Float, kept: NDArray[np.int64]) -> None:
        """Extend the ranges to all rows (rows, width), and keep the chosen rows."""
        self.low = np.minimum(self.low, rows.min(0))
        self.high = np.maximum(self.high, rows.max(0))
        self.rows.append(rows[kept])


def observe(student: BertForSequenceClassification, batches: list[tuple[Tensor, Tensor, Tensor]]) -> list[Observed]:
    """Return the input of each linear layer of the encoder, in the order of execution."""
    seen: dict[nn.Module, Observed] = {}
    random = np.random.default_rng(0)

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        rows = inputs[0].flatten(0, -2).numpy()
        if module not in seen:
            weight = np.ascontiguousarray(cast(nn.Linear, module).weight.detach().numpy().T)
            nothing = np.zeros(len(weight), np.float32)
            seen[module] = Observed(weight, nothing, nothing)
        seen[module].add(rows, random.permutation(len(rows))[: max(1, ROWS_KEPT // len(batches))])

    hooks = [m.register_forward_hook(keep) for m in student.bert.encoder.modules() if isinstance(m, nn.Linear)]
    with torch.inference_mode():
        for ids, types, mask in batches:
            score(student, ids, types, mask)
    for hook in hooks:
        hook.remove()
    return list(seen.values())


@dataclass(frozen=True, slots=True)
class Quantized:
    """A linear layer in int8: see the module's formula."""

    even: Float
    a_scale: np.float32
    a_zero: np.uint8
    weight: NDArray[np.int8]
    w_scale: Float
    shift: Float  # added to the bias: compensates the mean error of rounding


def quantize_layer(observed: Observed) -> Quantized:
    """Choose the smoothing with the least squared error of x @ W on the rows kept."""
    rows = np.concatenate(observed.rows)
    exact = rows @ observed.weight
    tried = []
    for strength in STRENGTHS:
        layer = _quantize(observed, rows, strength)
        gap = exact - apply(layer, rows)
        layer = replace(layer, shift=gap.mean(0))
        tried.append((float(np.square(gap - layer.shift).mean()), layer))
    return min(tried, key=lambda one: one[0])[1]


def apply(layer: Quantized, rows: Float) -> Float:
    """Return the output of the int8 layer for rows (rows, width): (rows, columns), float32."""
    zero = np.float32(layer.a_zero)
    x8 = np.clip(np.rint(rows / layer.even / layer.a_scale) + zero, 0, 255) - zero
    return np.asarray((x8 @ layer.weight.astype(np.float32)) * (layer.a_scale * layer.w_scale) + layer.shift)


def _quantize(observed: Observed, rows: Float, strength: float) -> Quantized:
    reach = np.maximum(np.maximum(-observed.low, observed.high), 1e-3)
    grip = np.maximum(np.abs(observed.weight).max(1), 1e-3)
    even = reach**strength / grip ** (1 - strength) if strength else np.ones_like(reach)
    even = (even / np.exp(np.log(even).mean())).astype(np.float32)
    low, high = float((observed.low / even).min()), float((observed.high / even).max())
    a_scale = np.float32((high - low) / 255)
    a_zero = np.uint8(np.rint(-low / a_scale))
    weight, w_scale = _quantize_weight(observed.weight * even[:, None], np.square(rows / even).mean(0))
    return Quantized(even, a_scale, a_zero, weight, w_scale, np.zeros_like(w_scale))


def _quantize_weight(weight: Float, power: Float) -> tuple[NDArray[np.int8], Float]:
    """Return int8 weights and the scale of each column, with the least error for inputs of mean square ``power``."""
    full = np.maximum(np.abs(weight).max(0) / WEIGHT_TOP, 1e-12).astype(np.float32)
    scales = np.stack([full * np.float32(shrink) for shrink in SHRINKS])
    errors = []
    for scale in scales:
        small = np.clip(np.rint(weight / scale), -WEIGHT_TOP, WEIGHT_TOP)
        errors.append(power @ np.square(small * scale - weight))  # (columns,)
    chosen = scales[np.argmin(errors, 0), np.arange(weight.shape[1])]
    return np.clip(np.rint(weight / chosen), -WEIGHT_TOP, WEIGHT_TOP).astype(np.int8), chosen


def quantize_linears(model: onnx.ModelProto, layers: list[Quantized]) -> None:
    """Replace the encoder's matrix products with constants, in order, by their int8 form.

    Raises ValueError if the products of the graph are not the products of `layers`.
    """
    graph = model.graph
    constants = {i.name: i for i in graph.initializer}
    nodes = [n for n in graph.node if n.op_type == "MatMul" and n.input[1] in constants]
    for number, (node, layer) in enumerate(zip(nodes, layers, strict=True)):
        if tuple(constants[node.input[1]].dims) != layer.weight.shape:
            raise ValueError(f"the shape of {node.name} is not that of layer {number}; expected the observed layers")
        place = list(graph.node).index(node)
        graph.node.remove(node)
        graph.initializer.remove(constants[node.input[1]])
        write, bias = _take_bias(graph, node.output[0], layer)
        made, arrays = _int8_product(f"linear{number}", node.input[0], write, layer, bias)
        for offset, one in enumerate(made):
            graph.node.insert(place + offset, one)
        graph.initializer.extend(arrays)
    if all(entry.domain != "com.microsoft" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def _take_bias(graph: onnx.GraphProto, product: str, layer: Quantized) -> tuple[str, list[str]]:
    """Shift the bias of a product and remove its addition; return the name of the addition's output, and the bias.

    A layer with more outputs than inputs keeps its addition, because ONNX Runtime fuses it with the Gelu.
    """
    constants = {i.name: i for i in graph.initializer}
    added = next(n for n in graph.node if n.op_type == "Add" and product in n.input)
    bias = next(name for name in added.input if name != product)
    if bias not in constants:
        raise ValueError(f"{added.name} does not add a bias; expected the addition of a constant")
    shifted = numpy_helper.to_array(constants[bias]) + layer.shift
    constants[bias].CopyFrom(numpy_helper.from_array(shifted.astype(np.float32), bias))
    width, columns = layer.weight.shape
    if columns > width:
        return product, []
    graph.node.remove(added)
    return added.output[0], [bias]


def _int8_product(
    name: str, read: str, write: str, layer: Quantized, bias: list[str]
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    arrays = {
        f"{name}.even": 1 / layer.even,
        f"{name}.a_scale": np.float32(layer.a_scale),
        f"{name}.a_zero": np.uint8(layer.a_zero),
        f"{name}.weight": layer.weight,
        f"{name}.w_scale": layer.w_scale,
        f"{name}.w_zero": np.zeros_like(layer.w_scale, np.int8),
    }
    even, a_scale, a_zero, weight, w_scale, w_zero = arrays
    made = [
        helper.make_node("Mul", [read, even], [f"{name}.evened"]),
        helper.make_node("QuantizeLinear", [f"{name}.evened", a_scale, a_zero], [f"{name}.x8"]),
        helper.make_node(
            "MatMulIntegerToFloat",
            [f"{name}.x8", weight, a_scale, w_scale, a_zero, w_zero, *bias],
            [write],
            domain="com.microsoft",
        ),
    ]
    return made, [numpy_helper.from_array(np.asarray(a), key) for key, a in arrays.items()]


def quantize_word_table(model: onnx.ModelProto) -> None:
    """Replace the float32 word table by int8 rows, each with its own float32 scale."""
    graph = model.graph
    table = next(i for i in graph.initializer if i.name == WORD_TABLE)
    gather = next(n for n in graph.node if n.op_type == "Gather" and n.input[0] == WORD_TABLE)
    rows, scales = quantize_rows(numpy_helper.to_array(table))
    graph.initializer.remove(table)
    graph.initializer.extend(
        [numpy_helper.from_array(rows, "words_int8"), numpy_helper.from_array(scales, "word_scales")]
    )
    ids, out = gather.input[1], gather.output[0]
    nodes = [
        helper.make_node("Gather", ["words_int8", ids], ["word_row_int8"], name="word_row_int8"),
        helper.make_node("Cast", ["word_row_int8"], ["word_row"], name="word_row", to=1),
        helper.make_node("Gather", ["word_scales", ids], ["word_scale"], name="word_scale"),
        helper.make_node("Mul", ["word_row", "word_scale"], [out], name="words"),
    ]
    place = list(graph.node).index(gather)
    graph.node.remove(gather)
    for offset, node in enumerate(nodes):
        graph.node.insert(place + offset, node)


def quantize_rows(table: Float) -> tuple[NDArray[np.int8], Float]:
    """Return int8 rows and their scales (rows, 1), so that rows * scales is near the table.

    >>> rows, scales = quantize_rows(np.array([[127.0, -63.5]], np.float32))
    >>> rows.tolist(), scales.tolist()
    ([[127, -64]], [[1.0]])
    """
    scales = np.abs(table).max(1, keepdims=True) / 127.0
    scales = np.where(scales > 0, scales, 1.0).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales
