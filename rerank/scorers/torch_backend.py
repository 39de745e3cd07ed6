"""Run a cross-encoder on torch and transformers."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorers import forked
from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.model_folder import TOKENIZER_FILES, ModelFolder
from resift.rerank.scorers.predictor import Batch, OutOfMemoryError, Predictor, model_errors, one_line, short_of_memory
from resift.rerank.scorers.settings import CPU_BATCH_TOKENS, GPU_BATCH_TOKENS, ScorerSettings
from resift.rerank.scorers.torch_weights import load_model, quiet
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer


class CrossEncoder(Predictor):
    """A sequence classifier with one label: BERT, MiniLM, RoBERTa, XLM-R, ELECTRA, DeBERTa-v2, DistilBERT, ModernBERT.

    Or an encoder with several modules of sentence-transformers that end in one score, such as ettin-reranker.

    >>> CrossEncoder("cross-encoder/ms-marco-MiniLM-L6-v2").rank("who wrote it?", ["He did.", "No."])  # doctest: +SKIP
    """

    def __init__(
        self, model: str | Path | ModelFolder, settings: ScorerSettings | None = None, name: str | None = None
    ) -> None:
        """Load `model` for inference on one device.

        `model` is a folder, as a path or already read, or a Hugging Face name. `name` is the model's name in error
        messages; that of `model` if not given. `settings.threads` sets torch's number of threads for the whole process.
        Raises ModelError if the model cannot be found or loaded, or is not a cross-encoder; SettingsError if the
        device, the length or the revision cannot be used.
        """
        settings = settings or ScorerSettings()
        torch = _torch(model.name if isinstance(model, ModelFolder) else str(model))
        folder = open_folder(model, settings, name)
        folder.check()
        self.device = choose_device(settings.device)
        self.dtype = choose_dtype(settings.dtype, self.device)
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        if self.device.type == "cuda":
            forked.check_cuda(folder)
        tokenizer, names, pad_id = load_tokenizer(folder)
        self.model: Any = forked.run(lambda: place_model(load_model(folder, self.dtype), self.device, folder))
        default = CPU_BATCH_TOKENS if self.device.type == "cpu" else GPU_BATCH_TOKENS
        with model_errors(folder, "it is not a cross-encoder that can be run"):
            keep_head_exact(self.model)
            self.inputs = _inputs(self.model, names)
            _check_vocabulary(tokenizer, self.model, folder)
            encoder = PairEncoder(tokenizer, folder.window(settings.max_length), pad_id or 0, folder.name)
            if folder.own_pad_id is None and pad_id is not None and pad_id not in encoder.frame.after[0][-1:]:
                self.model.config.get_text_config().pad_token_id = pad_id  # the head takes the last other token
        super().__init__(folder, encoder, settings.batch_tokens or default)
        self.try_padding()

    @property
    def on_cpu(self) -> bool:
        """Whether the model runs on the CPU."""
        return bool(self.device.type == "cpu")

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        """Return the logits of a batch, float32 (rows,): the encoder runs in the model's dtype, the head in float32.

        Raises OutOfMemoryError if the batch does not fit into memory, and ModelError if torch cannot run the model.
        """
        if self.device.type == "cuda":
            forked.check_cuda(self.folder)
        return forked.run(lambda: self._forward(batch))

    def _forward(self, batch: Batch) -> NDArray[np.float32]:
        import torch

        try:
            with torch.inference_mode():
                inputs = {name: torch.from_numpy(batch[name]).to(self.device) for name in self.inputs}
                logits = self.model(**inputs).logits  # (rows, 1)
                found: NDArray[np.float32] = logits.float().squeeze(-1).cpu().numpy()  # (rows,)
                return found
        except Exception as error:  # models raise RuntimeError, ValueError, IndexError and others
            if not isinstance(error, MemoryError) and not short_of_memory(error):
                raise self.folder.error(f"torch could not run it: {one_line(error)}") from error
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            raise OutOfMemoryError from error


def keep_head_exact(model: Any) -> None:  # noqa: ANN401 - transformers is untyped
    """Make the scoring head of `model` run in float32, whatever the encoder's dtype.

    Between 4 and 8, bfloat16 numbers are 1/32 apart. As logits of a hundred candidates, they would make different
    scores equal, and a later cast to float32 cannot separate them again.
    """
    import torch

    def widen(module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:  # noqa: ANN401
        return tuple(
            part.float() if isinstance(part, torch.Tensor) and part.is_floating_point() else part for part in inputs
        )

    for part in model.children():
        if part is not model.base_model and next(part.parameters(), None) is not None:
            part.float()
            part.register_forward_pre_hook(widen)


def choose_device(name: str) -> torch.device:
    """Return the device with the name `name`; "auto" is the first available one of cuda, mps and cpu.

    Raises SettingsError if the name is not a device, or the device is not supported or not available.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingsError(f"{name!r} is not a device; expected auto, cpu, cuda, cuda:1 or mps", "device") from error
    found = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if device.type not in found:
        raise SettingsError(f"{name!r} is not supported; expected auto, cpu, cuda, cuda:1 or mps", "device")
    if not found[device.type]:
        raise SettingsError(f"{name} is not available to torch {torch.__version__}; use auto or cpu", "device")
    return device


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return the dtype with the name `name`.

    "auto" is float32, but on a CUDA device bfloat16 if its hardware supports that, else float16.
    """
    import torch

    if name == "auto":
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    found: torch.dtype = getattr(torch, name)
    return found


def load_tokenizer(folder: ModelFolder) -> tuple[Tokenizer, tuple[str, ...], int | None]:
    """Return the folder's fast tokenizer, the names of the model inputs that it produces, and the padding id.

    The padding is that of config.json, by which the model itself finds the end of a text; the tokenizer's if it gives
    none; None if neither has one.

    Raises ModelError if the folder has no tokenizer, or it cannot be loaded.
    """
    from transformers import AutoTokenizer

    if not any((folder.path / file).is_file() for file in TOKENIZER_FILES):
        raise folder.error("the folder has no tokenizer; expected tokenizer.json or vocab.txt beside config.json")
    try:
        with quiet():
            loaded = AutoTokenizer.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
        pad_id = loaded.pad_token_id if folder.own_pad_id is None else folder.own_pad_id
        return loaded.backend_tokenizer, tuple(loaded.model_input_names), pad_id
    except Exception as error:  # the tokenizers library raises bare Exception
        raise folder.error(f"its tokenizer cannot be loaded: {one_line(error)}") from error


def place_model(model: Any, device: torch.device, folder: ModelFolder) -> Any:  # noqa: ANN401
    """Move `model` to `device`, in evaluation mode, and return it. Raises ModelError if that fails."""
    try:
        return model.to(device).eval()
    except Exception as error:
        why = "there is not enough memory for it" if short_of_memory(error) else "torch cannot place it"
        raise folder.error(f"{why} on {device}; use another device: {one_line(error)}") from error


def _torch(name: str) -> Any:  # noqa: ANN401 - a module
    """Return the module torch. Raises ModelError if torch or transformers is not installed."""
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise ModelError(f"this model needs torch and transformers: {install_line('gpu')}", name) from error
    return torch


def _inputs(model: Any, made: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ANN401
    """Return the names of the inputs of `model`; `made` are those that its tokenizer produces.

    Token types are among them only if the model has more than one and its tokenizer produces them.
    """
    wanted = ["input_ids", "attention_mask"]
    typed = getattr(model.config, "type_vocab_size", 0) > 1 and "token_type_ids" in made
    if typed and "token_type_ids" in inspect.signature(model.forward).parameters:
        wanted.append("token_type_ids")
    return tuple(wanted)


def _check_vocabulary(tokenizer: Tokenizer, model: Any, folder: ModelFolder) -> None:  # noqa: ANN401
    """Raise ModelError if `tokenizer` has a token id for which `model` has no embedding."""
    rows = model.get_input_embeddings().weight.shape[0]
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if highest >= rows:
        raise folder.error(
            f"its tokenizer has ids up to {highest}, but the model has only {rows} embeddings; they do not match: "
            "download both again"
        )
