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
class Way:
    """One way to compute the scores of a model: a graph, with int8 kernels or without; `text` says which."""

    path: Path
    int8: bool
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The way that passed the proof, and a warning if it is not the fastest one."""

    way: Way
    warning: str | None


_OUTCOMES: dict[tuple[object, ...], Outcome] = {}
_PROVING = threading.Lock()  # held while a folder is proved, so that this is done once

Opener = Callable[[Way], OnnxGraph]


def open_proved(folder: ModelFolder, tokenizer: Tokenizer, float32: bool, opener: Opener) -> tuple[OnnxGraph, str]:
    """Return the graph of `folder`, opened by `opener`, and its precision: "int8", "float32", or "" if not known.

    A folder with a proof is checked once in a process: its int8 graph scores the pairs of the proof. If the scores are
    wrong, the next way is tried: the same graph computed in float32, then the float32 graph, if the folder has one; a
    warning says so. If `float32` is True, the int8 kernels are not used. Raises ModelError if there is no graph, or no
    way passes.
    """
    proof = read_proof(folder)
    if proof is None:
        if folder.onnx is None:
            raise folder.error(
                "the folder has no model.onnx or onnx/model.onnx; export the model to ONNX, or use the torch backend"
            )
        return opener(Way(folder.onnx, True, "as it is")), ""
    ways = _ways(folder, proof, float32)
    key = (folder.path.resolve(), float32, proof.sha256, *map(_stamp, ways))
    with _PROVING:
        known = _OUTCOMES.get(key)
        if known is not None:
            return opener(known.way), "int8" if known.way.int8 else "float32"
        graph, outcome = _prove(folder, proof, tokenizer, ways, opener)
        _OUTCOMES[key] = outcome
    if outcome.warning:
        _log.warning("%s", outcome.warning)
    return graph, "int8" if outcome.way.int8 else "float32"


def _ways(folder: ModelFolder, proof: Proof, float32: bool) -> list[Way]:
    int8, exact = folder.path / proof.file, folder.path / FLOAT32_FILE
    if not int8.is_file():
        raise folder.error(f"the folder has no {proof.file}, which its proof names; download it again")
    slow = [Way(int8, False, "with its int8 weights in float32")]
    if exact.is_file() and exact != int8:
        larger = Way(exact, False, f"from {FLOAT32_FILE}")
        slow = [larger, *slow] if float32 else [*slow, larger]
    return slow if float32 else [Way(int8, True, "in int8"), *slow]


def _prove(
    folder: ModelFolder, proof: Proof, tokenizer: Tokenizer, ways: list[Way], opener: Opener
) -> tuple[OnnxGraph, Outcome]:
    """Return the first graph that passes. Raises ModelError if none does."""
    faults: list[str] = []
    try:
        intact = sha256_of(folder.path / proof.file) == proof.sha256
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror}); download it again", folder.path / proof.file) from error
    for way in ways:
        if way.path == folder.path / proof.file and not intact:
            fault: str | None = f"{proof.file} is not the file that was exported (its SHA-256 differs)"
        else:
            graph, fault = _try(folder, proof, tokenizer, way, opener)
        if fault is None and graph is not None:
            why = f"{folder.name}: {faults[0]}; it runs {way.text}, which is slower" if faults else None
            return graph, Outcome(way, why)
        faults += [fault] if fault and fault not in faults else []
    raise folder.error(f"{faults[0]}; its scores would be wrong: download it again, or export it again")


def _try(
    folder: ModelFolder, proof: Proof, tokenizer: Tokenizer, way: Way, opener: Opener
) -> tuple[OnnxGraph | None, str | None]:
    """Return the opened graph of a way and what is wrong with it, None if nothing is."""
    try:
        graph = opener(way)
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


def _stamp(way: Way) -> tuple[str, bool, int, int]:
    stat = way.path.stat()
    return str(way.path), way.int8, stat.st_size, stat.st_mtime_ns
