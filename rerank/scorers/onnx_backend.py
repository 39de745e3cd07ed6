"""Run a cross-encoder on ONNX Runtime, without torch or transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.predictor import Batch, OutOfMemoryError, Predictor, model_errors, one_line, short_of_memory
from resift.rerank.scorers.settings import CPU_BATCH_TOKENS, GPU_BATCH_TOKENS, ScorerSettings
from resift.retrieval.errors import SettingsError

KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class OnnxCrossEncoder(Predictor):
    """A cross-encoder from model.onnx, tokenizer.json and config.json.

    The inputs of the graph are input_ids and optionally attention_mask and token_type_ids, each int64 (rows, tokens).
    The output that is read is "logits", or the first one if none has this name: (rows, 1) or (rows,).
    """

    def __init__(
        self, model: str | Path | ModelFolder, settings: ScorerSettings | None = None, name: str | None = None
    ) -> None:
        """Load `model`; it runs on the CPU unless the device is cuda.

        `model` is a folder, as a path or already read, or a Hugging Face name. `name` is the model's name in error
        messages; that of `model` if not given. Raises ModelError if the model cannot be found or loaded, or is not a
        cross-encoder; SettingsError if the device, the dtype, the length or the revision cannot be used.
        """
        settings = settings or ScorerSettings()
        if settings.dtype not in ("auto", "float32"):
            raise SettingsError(
                f"{settings.dtype} needs a torch model; the precision of an ONNX file is fixed, use auto", "dtype"
            )
        folder = open_folder(model, settings, name)
        folder.check()
        providers = choose_providers(settings.device)
        tokenizer = load_tokenizer(folder)
        self.session = open_session(folder, providers, settings.threads)
        self.inputs = _inputs(self.session, folder)
        outputs = [output.name for output in self.session.get_outputs()]
        self.output = "logits" if "logits" in outputs else outputs[0]
        default = CPU_BATCH_TOKENS if providers[0].startswith("CPU") else GPU_BATCH_TOKENS
        with model_errors(folder, "its tokenizer cannot encode a pair"):
            encoder = PairEncoder(tokenizer, folder.window(settings.max_length), folder.pad_id, folder.name)
        super().__init__(folder, encoder, settings.batch_tokens or default)
        self.try_padding()

    def forward(self, batch: Batch) -> NDArray[np.float32]:
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


def load_tokenizer(folder: ModelFolder) -> Tokenizer:
    """Return the tokenizer of tokenizer.json. Raises ModelError if the file does not exist or cannot be read."""
    path = folder.path / "tokenizer.json"
    if not path.is_file():
        raise folder.error("the folder has no tokenizer.json; save the model with a fast tokenizer")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise folder.error(f"tokenizer.json cannot be read; download it again: {one_line(error)}") from error


def open_session(folder: ModelFolder, providers: list[str], threads: int | None) -> Any:  # noqa: ANN401 - untyped
    """Return an ONNX Runtime session for model.onnx or onnx/model.onnx.

    `threads` is the number of CPU threads; None leaves it to ONNX Runtime. Raises ModelError if the file does not
    exist or cannot be loaded, and SettingsError if CUDA was requested and does not start.
    """
    if folder.onnx is None:
        raise folder.error(
            "the folder has no model.onnx or onnx/model.onnx; export the model to ONNX, or use the torch backend"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # only fatal errors are logged; other errors are raised
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(str(folder.onnx), options, providers=providers)
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise folder.error(f"{folder.onnx.name} cannot be loaded; download it again: {one_line(error)}") from error
    if session.get_providers()[0] != providers[0]:
        raise SettingsError(
            "ONNX Runtime could not start CUDA; check the driver and the CUDA libraries, or use cpu", "device"
        )
    return session


def _inputs(session: Any, folder: ModelFolder) -> tuple[str, ...]:  # noqa: ANN401
    """Return the names of the graph's inputs. Raises ModelError if input_ids is missing or one is not known."""
    names = tuple(given.name for given in session.get_inputs())
    unknown = [name for name in names if name not in KNOWN_INPUTS]
    if unknown or "input_ids" not in names:
        raise folder.error(
            f"the inputs of its graph are {', '.join(names)}; expected input_ids, attention_mask, token_type_ids"
        )
    return names
