"""Write the int8 form of a float32 ONNX file."""

from __future__ import annotations

from pathlib import Path

import onnx

from resift.rerank.training.export.calibration import Inputs, observe
from resift.rerank.training.export.graph import (
    Graph,
    linear_groups,
    quantize_heads,
    quantize_linears,
    quantize_tables,
)
from resift.rerank.training.export.quantization import WEIGHT_TOP, quantize_layers


def export_int8(float32: Path, path: Path, batches: list[Inputs], top: int = WEIGHT_TOP, smallest: int = 65536) -> int:
    """Write the int8 form of the graph in the file `float32` to `path`, and return how many products are int8.

    The ranges are determined on `batches`, each of one pair, or of pairs of one length. `top` is the largest absolute
    int8 weight; matrices of fewer than `smallest` numbers stay float32. Raises ValueError if the graph has no product
    with a large constant matrix.
    """
    model = onnx.load(str(float32))
    graph = Graph(model, smallest)
    groups = linear_groups(graph)
    if not groups:
        raise ValueError("the graph has no product with a large constant matrix; expected a transformer")
    observed = observe(model, groups, batches)
    layers = [quantize_layers(seen, list(group.weights), top) for seen, group in zip(observed, groups, strict=True)]
    quantize_linears(graph, groups, layers)
    quantize_tables(graph)
    quantize_heads(graph)
    graph.prune()
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return sum(len(group.nodes) for group in groups)
