"""Rewrite a float32 ONNX graph as int8: tables by rows, and linear layers between QuantizeLinear and DequantizeLinear.

The int8 graph consists of ONNX's standard operators. ONNX Runtime replaces a product of two dequantized matrices by its
int8 kernel when it loads the graph. Told not to (its option session.disable_quant_qdq), it computes the same numbers in
float32: so the file itself contains the way back for processors on which the kernel is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from resift.rerank.training.export.quantization import Float, Quantized, quantize_rows

SMALLEST = 65536
"""A matrix with fewer numbers stays float32: it does not matter for the size."""


@dataclass(frozen=True, slots=True)
class LinearGroup:
    """Products with constant matrices that read the same value of the graph: the names of the nodes and the weights."""

    read: str
    nodes: tuple[str, ...]
    weights: tuple[Float, ...]


class Graph:
    """An ONNX graph whose nodes and constants are replaced by name."""

    def __init__(self, model: Any, smallest: int = SMALLEST) -> None:  # noqa: ANN401 - onnx is untyped
        """Take over `model`, which is changed in place; matrices of fewer than `smallest` numbers stay float32."""
        self.model, self.graph, self.smallest = model, model.graph, smallest
        for place, node in enumerate(self.graph.node):
            node.name = node.name or f"node{place}"
        self.constants = {constant.name: constant for constant in self.graph.initializer}

    def matrix(self, name: str) -> Float | None:
        """Return the constant `name` if it is a large float32 matrix, else None."""
        constant = self.constants.get(name)
        if constant is None or constant.data_type != onnx.TensorProto.FLOAT or len(constant.dims) != 2:
            return None
        return numpy_helper.to_array(constant) if int(np.prod(constant.dims)) >= self.smallest else None

    def add(self, name: str, values: object) -> str:
        """Add a constant, and return its name."""
        made = numpy_helper.from_array(np.asarray(values), name)
        self.graph.initializer.append(made)
        self.constants[name] = made
        return name

    def replace(self, old: Any, nodes: list[Any]) -> None:  # noqa: ANN401
        """Put `nodes` in the place of the node `old`."""
        place = next(index for index, node in enumerate(self.graph.node) if node.name == old.name)
        del self.graph.node[place]
        for offset, node in enumerate(nodes):
            self.graph.node.insert(place + offset, node)

    def prune(self) -> None:
        """Remove the constants that no node reads any more."""
        read = {name for node in self.graph.node for name in node.input}
        kept = [constant for constant in self.graph.initializer if constant.name in read]
        del self.graph.initializer[:]
        self.graph.initializer.extend(kept)


def linear_groups(graph: Graph) -> list[LinearGroup]:
    """Return the linear layers of the graph, in the order of execution: products with a large constant matrix."""
    found: dict[str, list[tuple[str, Float]]] = {}
    for node in graph.graph.node:
        weight = graph.matrix(node.input[1]) if node.op_type == "MatMul" else None
        if weight is not None:
            found.setdefault(node.input[0], []).append((node.name, weight))
    return [LinearGroup(read, *zip(*group, strict=True)) for read, group in found.items()]


def quantize_linears(graph: Graph, groups: list[LinearGroup], layers: list[Quantized]) -> None:
    """Put each product of `groups` between QuantizeLinear and DequantizeLinear, with the numbers of `layers`."""
    nodes = {node.name: node for node in graph.graph.node}
    for number, (group, layer) in enumerate(zip(groups, layers, strict=True)):
        name = f"linear{number}"
        read, before = _quantized_input(graph, name, group.read, layer)
        for place, product in enumerate(group.nodes):
            node = nodes[product]
            part = f"{name}.{place}"
            weight = graph.add(f"{part}.weight", layer.weights[place])
            scale = graph.add(f"{part}.scale", layer.w_scales[place])
            zero = graph.add(f"{part}.zero", np.zeros_like(layer.w_scales[place], np.int8))
            graph.replace(
                node,
                [
                    *(before if place == 0 else ()),
                    helper.make_node("DequantizeLinear", [weight, scale, zero], [f"{part}.w"], f"{part}.w", axis=1),
                    helper.make_node("MatMul", [read, f"{part}.w"], [node.output[0]], product),
                ],
            )
            _shift_bias(graph, node.output[0], part, layer.shifts[place])


def _quantized_input(graph: Graph, name: str, read: str, layer: Quantized) -> tuple[str, list[Any]]:
    """Return the name of the rounded input of a group, and the nodes that compute it from the value `read`."""
    nodes = []
    if not np.all(layer.even == 1):
        even = graph.add(f"{name}.even", (1 / layer.even).astype(np.float32))
        nodes.append(helper.make_node("Mul", [read, even], [f"{name}.evened"], f"{name}.evened"))
        read = f"{name}.evened"
    scale, zero = graph.add(f"{name}.scale", layer.a_scale), graph.add(f"{name}.zero", layer.a_zero)
    nodes += [
        helper.make_node("QuantizeLinear", [read, scale, zero], [f"{name}.x8"], f"{name}.x8"),
        helper.make_node("DequantizeLinear", [f"{name}.x8", scale, zero], [f"{name}.x"], f"{name}.x"),
    ]
    return f"{name}.x", nodes


def _shift_bias(graph: Graph, product: str, part: str, shift: Float) -> None:
    """Add `shift` to the bias that is added to the value `product`, if one is."""
    for node in graph.graph.node:
        if node.op_type == "Add" and product in node.input:
            place = 1 - list(node.input).index(product)
            bias = graph.constants.get(node.input[place])
            if bias is not None and tuple(bias.dims) == shift.shape:
                node.input[place] = graph.add(f"{part}.bias", numpy_helper.to_array(bias) + shift)
            return


def quantize_tables(graph: Graph) -> None:
    """Replace large tables of embeddings by int8 rows, each with its own scale; a row is converted when it is read."""
    for node in list(graph.graph.node):
        table = graph.matrix(node.input[0]) if node.op_type == "Gather" and not _axis(node) else None
        if table is None:
            continue
        name, ids, out = node.name, node.input[1], node.output[0]
        rows, scales = quantize_rows(table)
        int8, scale = graph.add(f"{name}.int8", rows), graph.add(f"{name}.scales", scales)
        parts = [f"{name}.{part}" for part in ("row8", "row", "scale")]
        graph.replace(
            node,
            [
                helper.make_node("Gather", [int8, ids], [parts[0]], parts[0]),
                helper.make_node("Cast", [parts[0]], [parts[1]], parts[1], to=onnx.TensorProto.FLOAT),
                helper.make_node("Gather", [scale, ids], [parts[2]], parts[2]),
                helper.make_node("Mul", [parts[1], parts[2]], [out], name),
            ],
        )


def quantize_heads(graph: Graph) -> None:
    """Store the large matrices of the head as int8 rows; ONNX Runtime converts them to float32 once, at loading."""
    for node in list(graph.graph.node):
        weight = graph.matrix(node.input[1]) if node.op_type == "Gemm" else None
        if weight is None:
            continue
        name = node.name
        rows, scales = quantize_rows(weight)
        int8, scale = graph.add(f"{name}.int8", rows), graph.add(f"{name}.scales", scales)
        whole = helper.make_node("Cast", [int8], [f"{name}.cast"], f"{name}.cast", to=onnx.TensorProto.FLOAT)
        scaled = helper.make_node("Mul", [f"{name}.cast", scale], [f"{name}.w"], f"{name}.w")
        node.input[1] = f"{name}.w"
        product = onnx.NodeProto()
        product.CopyFrom(node)
        graph.replace(node, [whole, scaled, product])


def _axis(node: Any) -> int:  # noqa: ANN401
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "axis"), 0)
