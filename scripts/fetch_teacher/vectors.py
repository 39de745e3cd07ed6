"""Compute the float32 weights of a BERT that turns a text into a vector from its int8 graph."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from resift.rerank.training.onnx_weights import GraphWeights, Linear
from resift.retrieval.errors import ModelError

_LAYER = (
    *("attention.self.query", "attention.self.key", "attention.self.value"),
    *("attention.output.dense", "intermediate.dense", "output.dense"),
)
"""The linear layers of one layer of BERT, in transformers' names."""
_TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings")


def encoder_weights(model: bytes, layers: int, name: str) -> dict[str, NDArray[np.float32]]:
    """Return the weights of the graph `model` (an ONNX file), float32, by their names in transformers' BertModel.

    `layers`: how many layers it has. `name`: the model's in messages. The pooler, which the graph lacks and no vector
    needs, is zero, so that no loader fills it at random. Raises ModelError if the graph has other parts.
    """
    graph = GraphWeights(onnx.load_from_string(model).graph)
    linears, norms, tables = list(graph.linears()), list(graph.norms()), graph.tables()
    if (len(linears), len(norms), len(tables)) != (6 * layers, 2 * layers + 1, 3):
        raise ModelError(
            f"its graph has {len(linears)} linear layers, {len(norms)} normalizations and {len(tables)} tables; "
            f"expected {6 * layers}, {2 * layers + 1} and 3, those of a BERT with {layers} layers",
            name,
        )
    weights = {f"embeddings.{one}.weight": _table(tables, one, name) for one in _TABLES}
    places = ["embeddings.LayerNorm"]
    for number in range(layers):
        parts = linears[6 * number : 6 * number + 6]
        for role, linear in zip(_LAYER, [*_attention(parts[:3], name), *parts[3:]], strict=True):
            weights[f"encoder.layer.{number}.{role}.weight"] = linear.weight
            bias = np.zeros(len(linear.weight), np.float32) if linear.bias is None else linear.bias
            weights[f"encoder.layer.{number}.{role}.bias"] = bias
        places += [f"encoder.layer.{number}.{role}.LayerNorm" for role in ("attention.output", "output")]
    for place, (weight, bias) in zip(places, norms, strict=True):
        weights |= {f"{place}.weight": weight, f"{place}.bias": bias}
    width = weights["embeddings.word_embeddings.weight"].shape[1]
    weights["pooler.dense.weight"] = np.zeros((width, width), np.float32)
    weights["pooler.dense.bias"] = np.zeros(width, np.float32)
    return {key: np.ascontiguousarray(value, np.float32) for key, value in weights.items()}


def _attention(linears: list[Linear], name: str) -> list[Linear]:
    """Return query, key and value, which the names of the graph's values tell apart. Raises ModelError."""
    found = [
        next((one for one in linears if any(f"/{role}/" in text for text in one.names)), None)
        for role in ("query", "key", "value")
    ]
    if None in found:
        raise ModelError("the names in its graph do not say which layer is query, key and value", name)
    return [one for one in found if one is not None]


def _table(tables: list[tuple[tuple[str, ...], NDArray[np.float32]]], wanted: str, name: str) -> NDArray[np.float32]:
    for names, rows in tables:
        if any(wanted in text for text in names):
            return rows
    raise ModelError(f"its graph has no {wanted}", name)
