"""Models from the Hugging Face hub: name, revision, cache and offline; only files that cannot run code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resift.retrieval.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from resift.rerank.scorers.settings import ScorerSettings

DESCRIPTION = (
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "added_tokens.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "spm.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
WEIGHTS = {
    "torch": ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json"),
    "onnx": ("model.onnx", "model.onnx_data", "onnx/model.onnx", "onnx/model.onnx_data"),
}
"""Backend -> the files that it runs; pickles (.bin, .pt) are never fetched."""


def split_revision(model: str, revision: str | None) -> tuple[str, str | None]:
    """Return the repository and the revision of "org/name" or "org/name@revision".

    Raises SettingsError where the name and the setting give two different revisions.

    >>> split_revision("org/name@v2", None)
    ('org/name', 'v2')
    """
    repository, _, pinned = model.partition("@")
    if pinned and revision and pinned != revision:
        raise SettingsError(f"{revision!r} is asked, but the model's name says {pinned!r}; give one", "revision")
    return repository, pinned or revision


def fetch(model: str, settings: ScorerSettings) -> Path:
    """Return the folder of a model of the hub, from the cache or freshly fetched: text files and one kind of weights.

    Safetensors come before ONNX unless the settings name a backend. A token is taken by huggingface_hub from
    HF_TOKEN or its own login, and never printed. Raises ModelError.
    """
    repository, revision = split_revision(model, settings.revision)
    kinds = ("torch", "onnx") if settings.backend == "auto" else (settings.backend,)
    for kind in kinds:
        folder = _snapshot(repository, revision, kind, settings)
        if any(any(folder.glob(pattern)) for pattern in WEIGHTS[kind]):
            return folder
    wanted = " or ".join(WEIGHTS[kind][0] for kind in kinds)
    raise ModelError(f"the repository holds no {wanted} (pickles such as pytorch_model.bin are refused)", model)


def _snapshot(repository: str, revision: str | None, kind: str, settings: ScorerSettings) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )
    except ImportError as error:
        raise ModelError("models of the hub need huggingface_hub: pip install 'resift[gpu]'", repository) from error
    try:
        folder = snapshot_download(
            repository,
            revision=revision,
            cache_dir=settings.model_cache,
            local_files_only=settings.offline,
            allow_patterns=[*DESCRIPTION, *WEIGHTS[kind]],
        )
    except GatedRepoError as error:
        raise ModelError("access is restricted; accept its terms on the hub and set HF_TOKEN", repository) from error
    except RevisionNotFoundError as error:
        raise ModelError(f"the hub has no revision {revision!r} of it", repository) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            "there is no such folder, and the hub has no such model or hides it; check the name, or set HF_TOKEN",
            repository,
        ) from error
    except LocalEntryNotFoundError as error:
        where = f" at {revision}" if revision else ""
        raise ModelError(
            f"there is no such folder, the cache holds no such model{where}, and the hub was not reached "
            "(offline, or no network); fetch it once with network, or give a folder",
            repository,
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise ModelError(f"the hub did not give it ({type(error).__name__}); try again later", repository) from error
    return Path(folder)
