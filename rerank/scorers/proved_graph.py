"""Choose the ONNX graph of a folder whose scores are right on this machine: int8, or the same weights in float32."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.onnx_graph import OnnxGraph
from resift.rerank.scorers.packing import batch_end, longest_first
from resift.rerank.scorers.predictor import model_errors
from resift.rerank.scorers.proof import Proof, read_proof
from resift.rerank.scorers.settings import CPU_BATCH_TOKENS
from resift.retrieval.errors import ModelError
from resift.retrieval.file_hash import sha256_of

_log = logging.getLogger("resift.models")

FLOAT32_FILE = "onnx/model.onnx"
"""The float32 graph of a folder whose proof is of another file."""


@dataclass(frozen=True, slots=True)
class Execution:
    """A graph and how it is run, with int8 kernels or in float32; `text` says which in a warning."""

    path: Path
    int8: bool
    text: str


@dataclass(frozen=True, slots=True)
class Proved:
    """The execution that passed the proof, and a warning if it is not the fastest one."""

    execution: Execution
    warning: str | None


_PROVED: dict[tuple[object, ...], Proved] = {}
_PROVING = threading.Lock()  # held while a folder is proved, so that this is done once

Opener = Callable[[Execution], OnnxGraph]


def open_proved(folder: ModelFolder, tokenizer: Tokenizer, float32: bool, opener: Opener) -> tuple[OnnxGraph, str]:
    """Return the graph of `folder`, opened by `opener`, and its precision: "int8", "float32", or "" if not known.

    A folder with a proof is checked once in a process: its int8 graph scores the pairs of the proof. If the scores are
    wrong, the same graph is computed in float32, then the float32 graph is tried, if the folder has one; a warning says
    so. If `float32` is True, the int8 kernels are not used. Raises ModelError if there is no graph, or none passes.
    """
    proof = read_proof(folder)
    if proof is None:
        if folder.onnx is None:
            raise folder.error(
                "the folder has no model.onnx or onnx/model.onnx; export the model to ONNX, or use the torch backend"
            )
        return opener(Execution(folder.onnx, True, "as it is")), ""
    executions = _executions(folder, proof, float32)
    key = (folder.path.resolve(), float32, proof.sha256, *map(_stamp, executions))
    with _PROVING:
        known = _PROVED.get(key)
        if known is not None:
            return opener(known.execution), "int8" if known.execution.int8 else "float32"
        graph, proved = _prove(folder, proof, tokenizer, executions, opener)
        _PROVED[key] = proved
    if proved.warning:
        _log.warning("%s", proved.warning)
    return graph, "int8" if proved.execution.int8 else "float32"


def _executions(folder: ModelFolder, proof: Proof, float32: bool) -> list[Execution]:
    int8, exact = folder.path / proof.file, folder.path / FLOAT32_FILE
    if not int8.is_file():
        raise folder.error(f"the folder has no {proof.file}, which its proof names; download it again")
    slow = [Execution(int8, False, "with its int8 weights in float32")]
    if exact.is_file() and exact != int8:
        larger = Execution(exact, False, f"from {FLOAT32_FILE}")
        slow = [larger, *slow] if float32 else [*slow, larger]
    return slow if float32 else [Execution(int8, True, "in int8"), *slow]


def _prove(
    folder: ModelFolder, proof: Proof, tokenizer: Tokenizer, executions: list[Execution], opener: Opener
) -> tuple[OnnxGraph, Proved]:
    """Return the first graph that passes. Raises ModelError if none does."""
    faults: list[str] = []
    try:
        intact = sha256_of(folder.path / proof.file) == proof.sha256
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror}); download it again", folder.path / proof.file) from error
    for execution in executions:
        if execution.path == folder.path / proof.file and not intact:
            fault: str | None = f"{proof.file} is not the file that was exported (its SHA-256 differs)"
        else:
            graph, fault = _try(folder, proof, tokenizer, execution, opener)
        if fault is None and graph is not None:
            why = f"{folder.name}: {faults[0]}; it runs {execution.text}, which is slower" if faults else None
            return graph, Proved(execution, why)
        faults += [fault] if fault and fault not in faults else []
    raise folder.error(f"{faults[0]}; its scores would be wrong: download it again, or export it again")


def _try(
    folder: ModelFolder, proof: Proof, tokenizer: Tokenizer, execution: Execution, opener: Opener
) -> tuple[OnnxGraph | None, str | None]:
    """Return the opened graph of an execution, and what is wrong with it, None if nothing is."""
    try:
        graph = opener(execution)
        return graph, proof.fault(proof_logits(folder, proof, tokenizer, graph))
    except ModelError as error:
        return None, str(error).removeprefix(f"{folder.name}: ")


def proof_logits(folder: ModelFolder, proof: Proof, tokenizer: Tokenizer, graph: OnnxGraph) -> NDArray[np.float32]:
    """Return the logits of the pairs of `proof` by `graph`, float32 (n,), whatever the settings of the scorer are."""
    with model_errors(folder, "its tokenizer cannot encode the pairs of its proof"):
        encoder = PairEncoder(tokenizer, proof.max_length, folder.pad_id, folder.name)
        encoded = encoder.encode(proof.pairs)
    order = longest_first(encoded.lengths)
    lengths = encoded.lengths[order]
    logits = np.empty(len(order), dtype=np.float32)
    start = 0
    while start < len(order):
        end = batch_end(lengths, start, CPU_BATCH_TOKENS)
        logits[order[start:end]] = graph.run(encoder.pad(encoded, order[start:end]))
        start = end
    return logits


def _stamp(execution: Execution) -> tuple[str, bool, int, int]:
    stat = execution.path.stat()
    return str(execution.path), execution.int8, stat.st_size, stat.st_mtime_ns
