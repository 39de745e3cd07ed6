"""Run a cross-encoder on ONNX Runtime, without torch or transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.onnx_graph import OnnxGraph, choose_providers
from resift.rerank.scorers.predictor import Batch, Predictor, model_errors
from resift.rerank.scorers.proved_graph import Execution, open_proved
from resift.rerank.scorers.settings import CPU_BATCH_TOKENS, GPU_BATCH_TOKENS, ScorerSettings
from resift.rerank.scorers.tokenizer_file import load_tokenizer
from resift.retrieval.errors import SettingsError


class OnnxCrossEncoder(Predictor):
    """A cross-encoder from an ONNX graph, a tokenizer and config.json; `OnnxGraph` has the form of the graph.

    `precision` is "int8" or "float32" for a folder with a proof (see `resift.rerank.scorers.proof`), else "".
    """

    def __init__(
        self, model: str | Path | ModelFolder, settings: ScorerSettings | None = None, name: str | None = None
    ) -> None:
        """Load `model`; it runs on the CPU unless the device is cuda.

        `model` is a folder, as a path or already read, or a Hugging Face name. `name` is the model's name in error
        messages; that of `model` if not given. An int8 graph with a proof is checked; where it is computed wrongly, it
        runs in float32, as it does on a GPU or if the dtype is float32. Raises ModelError if the model cannot be found
        or loaded, is not a cross-encoder, or fails its proof; SettingsError if the device, the dtype, the length or the
        revision cannot be used.
        """
        settings = settings or ScorerSettings()
        if settings.dtype not in ("auto", "float32"):
            raise SettingsError(
                f"{settings.dtype} needs a torch model; an ONNX file has its own precision, use auto or float32",
                "dtype",
            )
        folder = open_folder(model, settings, name)
        folder.check()
        providers = choose_providers(settings.device)
        tokenizer = load_tokenizer(folder)
        self._on_cpu = on_cpu = providers[0].startswith("CPU")

        def opener(execution: Execution) -> OnnxGraph:
            return OnnxGraph(folder, execution.path, providers, settings.threads, execution.int8)

        self.graph, self.precision = open_proved(folder, tokenizer, settings.dtype == "float32" or not on_cpu, opener)
        default = CPU_BATCH_TOKENS if on_cpu else GPU_BATCH_TOKENS
        with model_errors(folder, "its tokenizer cannot encode a pair"):
            encoder = PairEncoder(tokenizer, folder.window(settings.max_length), folder.pad_id, folder.name)
        super().__init__(folder, encoder, settings.batch_tokens or default)
        self.try_padding()

    @property
    def on_cpu(self) -> bool:
        """Whether the model runs on the CPU."""
        return self._on_cpu

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        """Return the logits of a batch, float32 (rows,).

        Raises OutOfMemoryError if the batch does not fit into memory, and ModelError if the graph cannot be run or does
        not return one score per pair.
        """
        return self.graph.run(batch)
