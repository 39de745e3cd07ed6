"""The weights in an ONNX graph, in float32, whether they are stored in float32 or int8, and in any of three forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer of a graph: `weight` float32 (columns, width) as torch has it, `bias` (columns,).

    `names` are the names of the nodes and values around it.
    """

    weight: Float
    bias: Float | None
    names: tuple[str, ...]


class GraphWeights:
    """The constants of a graph, by what is computed with them; in the order of the nodes."""

    def __init__(self, graph: Any) -> None:  # noqa: ANN401 - onnx is untyped
        """Read the nodes of `graph`."""
        self._nodes = list(graph.node)
        self._constants = {one.name: one for one in graph.initializer}
        self._made = {name: node for node in self._nodes for name in node.output}
        self._read: dict[str, list[Any]] = {}
        for node in self._nodes:
            for name in node.input:
                self._read.setdefault(name, []).append(node)

    def linears(self) -> Iterator[Linear]:
        """Yield the products with constant matrices."""
        for node in self._nodes:
            if node.op_type in ("MatMul", "Gemm"):
                found = self._product(node)
            elif node.op_type in ("MatMulInteger", "MatMulIntegerToFloat"):
                found = self._integer_product(node)
            else:
                continue
            if found is not None:
                yield found

    def norms(self) -> Iterator[tuple[Float, Float]]:
        """Yield (weight, bias) of each layer normalization: one operator, or the last two steps of its formula."""
        for node in self._nodes:
            if node.op_type == "LayerNormalization":
                weight, bias = (self.constant(name) for name in node.input[1:3])
            elif node.op_type == "Mul" and any(self._op(name) == "Div" for name in node.input):
                weight, bias = self._vector(node), self._added(node.output[0])
            else:
                continue
            if weight is not None and bias is not None:
                yield weight, bias

    def tables(self) -> list[tuple[tuple[str, ...], Float]]:
        """Return (names around it, rows) of each table of embeddings; int8 rows are multiplied by their scales."""
        found = []
        for node in self._nodes:
            table = self.constant(node.input[0]) if node.op_type == "Gather" else None
            if table is None or table.ndim != 2 or table.shape[1] == 1:
                continue
            names = [node.name, node.output[0], node.input[0]]
            stored = self._constants.get(node.input[0])
            if stored is not None and stored.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8):
                table = self._scaled(node, table, names)
            found.append((tuple(names), table))
        return found

    def constant(self, name: str) -> Float | None:
        """Return a value that does not depend on the inputs, float32; None if it does."""
        if name in self._constants:
            return numpy_helper.to_array(self._constants[name]).astype(np.float32)
        node = self._made.get(name)
        if node is None or node.op_type not in ("Constant", "Cast", "Identity", "Mul", "Transpose", "DequantizeLinear"):
            return None
        if node.op_type == "Constant":
            value = next((one.t for one in node.attribute if one.name == "value"), None)
            return None if value is None else numpy_helper.to_array(value).astype(np.float32)
        parts = [self.constant(one) for one in node.input]
        return None if any(part is None for part in parts) else _computed(node, parts)

    def _product(self, node: Any) -> Linear | None:  # noqa: ANN401
        weight = self.constant(node.input[1])
        if weight is None or weight.ndim != 2:
            return None
        if _attribute(node, "transB", 0):
            weight = weight.T  # (width, columns)
        bias = self.constant(node.input[2]) if len(node.input) > 2 else self._added(node.output[0])
        return self._linear(node, weight, bias)

    def _integer_product(self, node: Any) -> Linear | None:  # noqa: ANN401
        whole = node.op_type == "MatMulIntegerToFloat"
        weight = self.constant(node.input[1])
        zero = self.constant(node.input[5 if whole else 3])
        scale, output = self.constant(node.input[3]) if whole else None, node.output[0]
        if not whole:  # the product is cast, and multiplied by the product of both scales
            output = self._after(self._after(output, "Cast"), "Mul")
            product = next((name for name in self._made[output].input if self._op(name) == "Mul"), "")
            scale = self._vector(self._made[product]) if product else None
        if weight is None or zero is None or scale is None:
            return None
        bias = self.constant(node.input[6]) if whole and len(node.input) > 6 else self._added(output)
        return self._linear(node, (weight - zero) * scale, bias)

    def _linear(self, node: Any, weight: Float, bias: Float | None) -> Linear:  # noqa: ANN401
        """Return the layer with `weight` (width, columns), whose rows are multiplied by the smoothing of its input."""
        even = self._smoothing(node.input[0], len(weight))
        weight = weight if even is None else weight * even[:, None]
        return Linear(np.asarray(weight.T, np.float32), bias, (node.name, node.output[0], *node.input))

    def _smoothing(self, name: str, width: int) -> Float | None:
        """Return what each channel of a rounded value was multiplied by, None if it was not."""
        for operator in ("DequantizeLinear", "QuantizeLinear"):
            if self._op(name) == operator:
                name = self._made[name].input[0]
        node = self._made.get(name)
        if node is None or node.op_type != "Mul":
            return None
        even = self._vector(node)
        return even if even is not None and even.shape == (width,) else None

    def _scaled(self, node: Any, table: Float, names: list[str]) -> Float:  # noqa: ANN401
        """Return int8 rows in float32, and add the name of the value that has them to `names`."""
        value = node.output[0]
        for reader in self._read.get(value, ()):
            if reader.op_type == "DequantizeLinear":
                names.append(reader.output[0])
                scale, zero = self.constant(reader.input[1]), self.constant(reader.input[2])
                if scale is not None and zero is not None:
                    return np.asarray((table - zero) * scale, np.float32)
        product = self._made[self._after(self._after(value, "Cast"), "Mul")]
        names += [product.name, product.output[0]]
        for name in product.input:
            if self._op(name) == "Gather":
                scales = self.constant(self._made[name].input[0])
                if scales is not None:
                    return np.asarray(table * scales, np.float32)
        return table

    def _added(self, name: str) -> Float | None:
        """Return the constant vector that is added to a value, None if there is none."""
        return next((self._vector(node) for node in self._read.get(name, ()) if node.op_type == "Add"), None)

    def _vector(self, node: Any) -> Float | None:  # noqa: ANN401
        """Return the input of a node that is a constant vector or number, None if there is none."""
        constants = [self.constant(name) for name in node.input]
        return next((one for one in constants if one is not None and one.ndim <= 1), None)

    def _after(self, name: str, operator: str) -> str:
        """Return the output of the node with this operator that reads a value; the value itself if there is none."""
        return next((node.output[0] for node in self._read.get(name, ()) if node.op_type == operator), name)

    def _op(self, name: str) -> str:
        return self._made[name].op_type if name in self._made else ""


def _computed(node: Any, parts: list[Any]) -> Float:  # noqa: ANN401
    """Return the output of a node whose inputs are `parts`, float32."""
    if node.op_type == "Mul":
        found = parts[0] * parts[1]
    elif node.op_type == "Transpose":
        found = np.transpose(parts[0], list(_attribute(node, "perm", None) or reversed(range(parts[0].ndim))))
    elif node.op_type == "DequantizeLinear":
        axis = _attribute(node, "axis", 1)
        shape = [-1 if place == axis % parts[0].ndim else 1 for place in range(parts[0].ndim)]
        both = (*parts[1:], np.zeros((), np.float32))[:2]
        scale, zero = (one.reshape(shape) if one.ndim == 1 and one.size > 1 else one for one in both)
        found = (parts[0] - zero) * scale
    else:
        found = parts[0]
    return np.asarray(found, np.float32)


def _attribute(node: Any, name: str, default: Any) -> Any:  # noqa: ANN401
    return next((onnx.helper.get_attribute_value(one) for one in node.attribute if one.name == name), default)
