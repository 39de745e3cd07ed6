"""Load the weights of a model's folder into torch: from safetensors alone, and all of them or none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.predictor import one_line
from resift.retrieval.errors import ModelError

if TYPE_CHECKING:
    import torch

    from resift.rerank.scorers.torch_head import HeadedModel

_LOADING = threading.Lock()  # held while transformers' global log settings are changed


def load_model(folder: ModelFolder, dtype: torch.dtype) -> Any:  # noqa: ANN401 - transformers is untyped
    """Return the model with all weights from the folder's safetensors; its output has `logits` (rows, 1).

    Raises ModelError if the folder has no safetensors, or they cannot be loaded or lack some of the weights.
    """
    from transformers import AutoModel, AutoModelForSequenceClassification

    if not folder.safetensors:
        pickled = any(folder.path.glob("*.bin"))
        why = "its weights are a pickle (.bin), which can run code and is refused" if pickled else "it has no weights"
        raise folder.error(f"{why}; expected model.safetensors")
    if not folder.head_modules:
        return _load(AutoModelForSequenceClassification, folder, dtype)
    return _load_headed(_load(AutoModel, folder, dtype), folder, dtype)


def _load(maker: Any, folder: ModelFolder, dtype: torch.dtype) -> Any:  # noqa: ANN401
    from transformers import __version__

    precision = "dtype" if _release(__version__) >= (4, 56) else "torch_dtype"  # the argument was renamed in 4.56
    try:
        with quiet():
            model, report = maker.from_pretrained(
                folder.path,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                **{precision: dtype},
            )
    except Exception as error:  # safetensors, torch and transformers raise many kinds
        raise _damaged(folder, error) from error
    unread = ("pooler.",) if folder.head_modules else ()  # of a head of its own, which several modules replace
    keys = map(str, [*report["missing_keys"], *report["mismatched_keys"]])
    missing = sorted(key for key in keys if not key.startswith(unread))
    if missing:
        shown = ", ".join(missing[:3])
        raise folder.error(
            f"its file lacks {len(missing)} of the model's weights ({shown}), which would be random; "
            "it was not trained to rerank, or is damaged: choose another model, or download it again"
        )
    return model


def _load_headed(encoder: Any, folder: ModelFolder, dtype: torch.dtype) -> HeadedModel:  # noqa: ANN401
    """Return `encoder` with the modules of the folder, each with the weights of its own safetensors."""
    from safetensors.torch import load_file

    from resift.rerank.scorers.torch_head import Head, HeadedModel

    try:
        head = Head(folder.head_modules)
        for module, part in zip(folder.head_modules, head.parts, strict=True):
            if part.state_dict():
                part.load_state_dict(load_file(module.folder / "model.safetensors"))
    except Exception as error:  # OSError, KeyError, ValueError, RuntimeError, SafetensorError
        raise _damaged(folder, error) from error
    return HeadedModel(encoder, head.to(dtype))


def _damaged(folder: ModelFolder, error: Exception) -> ModelError:
    return folder.error(f"its weights cannot be loaded; download them again: {one_line(error)}")


def _release(version: str) -> tuple[int, int]:
    """Return the major and the minor number of a version."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the progress bars and warnings of transformers while it loads a model; errors are still raised.

    These settings of transformers are global, so only one model is loaded at a time: a second thread would otherwise
    save the suppressed state as the user's, and restore it afterwards.
    """
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging  # only partly typed
    with _LOADING:
        level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
