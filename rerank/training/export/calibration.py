"""Observe what the linear layers of an ONNX graph read, on texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from resift.rerank.scorers.onnx_runtime import onnxruntime
from resift.rerank.training.export.graph import LinearGroup
from resift.rerank.training.export.quantization import Float, Observed

ROWS_KEPT = 6144
"""Rows of a layer's input that are kept, to choose its smoothing and ranges."""

Inputs = dict[str, NDArray[np.int64]]
"""One batch: input name -> int64 (rows, tokens)."""


def observe(model: Any, groups: list[LinearGroup], batches: list[Inputs]) -> list[Observed]:  # noqa: ANN401
    """Return what each group of the graph `model` reads when it scores `batches`.

    A batch should be one pair or pairs of one length, so that no padding is observed.
    """
    session = open_observed(model, [group.read for group in groups])
    random = np.random.default_rng(0)
    share = max(1, ROWS_KEPT // max(1, len(batches)))
    low: list[Float] = []
    high: list[Float] = []
    rows: list[list[Float]] = [[] for _ in groups]
    for batch in batches:
        values = session.run([group.read for group in groups], batch)
        flat = [np.reshape(value, (-1, value.shape[-1])) for value in values]  # each (rows * tokens, width)
        lows, highs = [value.min(0) for value in flat], [value.max(0) for value in flat]
        low = lows if not low else list(map(np.minimum, low, lows))
        high = highs if not high else list(map(np.maximum, high, highs))
        for kept, value in zip(rows, flat, strict=True):
            kept.append(value[random.permutation(len(value))[:share]])
    return [Observed(*parts) for parts in zip(low, high, map(np.concatenate, rows), strict=True)]


def open_observed(model: Any, names: Iterable[str]) -> Any:  # noqa: ANN401
    """Return a session of the graph `model` that also returns the values `names`."""
    changed = type(model)()
    changed.CopyFrom(model)
    known = {output.name for output in changed.graph.output}
    for name in names:
        if name not in known:
            changed.graph.output.append(helper.make_empty_tensor_value_info(name))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(changed.SerializeToString(), options, providers=["CPUExecutionProvider"])
