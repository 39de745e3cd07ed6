"""An ONNX graph of a cross-encoder, opened by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.onnx_runtime import onnxruntime
from resift.rerank.scorers.predictor import Batch, OutOfMemoryError, one_line, short_of_memory
from resift.retrieval.errors import SettingsError

KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")

INT8_OFF = "session.disable_quant_qdq"
"""ONNX Runtime's option that computes QuantizeLinear and DequantizeLinear as they are written, in float32."""


class OnnxGraph:
    """A graph with the inputs input_ids and optionally attention_mask and token_type_ids, int64 (rows, tokens).

    The output that is read is "logits", or the first one if none has this name: (rows, 1) or (rows,).
    """

    def __init__(self, folder: ModelFolder, path: Path, providers: list[str], threads: int | None, int8: bool) -> None:
        """Open the file `path` of `folder`; `threads` is the number of CPU threads, None leaves it to ONNX Runtime.

        If `int8` is False, a graph that is quantized by QuantizeLinear and DequantizeLinear is computed in float32.
        Raises ModelError if the file cannot be loaded or is not such a graph, and SettingsError if CUDA was requested
        and does not start.
        """
        self.folder = folder
        self.session = _open(folder, path, providers, threads, int8)
        self.inputs = tuple(given.name for given in self.session.get_inputs())
        unknown = [name for name in self.inputs if name not in KNOWN_INPUTS]
        if unknown or "input_ids" not in self.inputs:
            raise folder.error(
                f"the inputs of its graph are {', '.join(self.inputs)}; expected {', '.join(KNOWN_INPUTS)}"
            )
        outputs = [output.name for output in self.session.get_outputs()]
        self.output = "logits" if "logits" in outputs else outputs[0]

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Return the logits of a batch, float32 (rows,).

        Raises OutOfMemoryError if the batch does not fit into memory, and ModelError if the graph cannot be run or does
        not return one score per pair.
        """
        given = {name: batch[name] for name in self.inputs}
        if "token_type_ids" in given and not self.folder.token_types:
            given["token_type_ids"] = np.zeros_like(batch["token_type_ids"])
        try:
            [logits] = self.session.run([self.output], given)
        except Exception as error:  # ONNX Runtime's errors share no base class
            if isinstance(error, MemoryError) or short_of_memory(error):
                raise OutOfMemoryError from error
            raise self.folder.error(f"ONNX Runtime could not run it: {one_line(error)}") from error
        rows = len(batch["input_ids"])
        if logits.shape not in ((rows, 1), (rows,)):
            raise self.folder.error(
                f"its output {self.output} has the shape {logits.shape} for {rows} pairs; expected one score per pair"
            )
        found: NDArray[np.float32] = logits.reshape(rows).astype(np.float32)  # (rows, 1) -> (rows,)
        return found


def choose_providers(device: str) -> list[str]:
    """Return ONNX Runtime's execution providers for `device`: auto, cpu (both run on the CPU) or cuda.

    Raises SettingsError for another device, or if this ONNX Runtime does not support CUDA.
    """
    if device in ("auto", "cpu"):
        return ["CPUExecutionProvider"]
    if device != "cuda":
        raise SettingsError(f"{device!r} is not supported by ONNX models; expected auto, cpu or cuda", "device")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise SettingsError(
            "this ONNX Runtime does not support CUDA; pip install onnxruntime-gpu, or use cpu", "device"
        )
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def _open(folder: ModelFolder, path: Path, providers: list[str], threads: int | None, int8: bool) -> Any:  # noqa: ANN401 - untyped
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # only fatal errors are logged; other errors are raised
    if threads is not None:
        options.intra_op_num_threads = threads
    if not int8:
        options.add_session_config_entry(INT8_OFF, "1")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise folder.error(f"{path.name} cannot be loaded; download it again: {one_line(error)}") from error
    if session.get_providers()[0] != providers[0]:
        raise SettingsError(
            "ONNX Runtime could not start CUDA; check the driver and the CUDA libraries, or use cpu", "device"
        )
    return session
