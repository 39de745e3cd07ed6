"""Download models from the Hugging Face Hub, or read them from its cache; only files that cannot run code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from resift.rerank.scorers.recommended import RECOMMENDED, similar_model
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line

if TYPE_CHECKING:
    from resift.rerank.scorers.settings import ScorerSettings

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
"""The name of a repository on the Hugging Face Hub: org/name."""

CONFIGURATION = (
    "README.md",
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "[0-9]_*/config.json",
    "proof.json",
    "resift.json",
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
"""The files that describe a model and its tokenizer; they are downloaded for every backend."""

WEIGHTS = {
    "torch": (
        "model.safetensors",
        "model-*.safetensors",
        "model.safetensors.index.json",
        "[0-9]_*/model.safetensors",
    ),
    "onnx": ("model.onnx", "model.onnx_data", "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_int8.onnx"),
}
"""Backend -> patterns of the weight files that it runs; pickles (.bin, .pt) are never downloaded."""


def split_revision(model: str, revision: str | None) -> tuple[str, str | None]:
    """Return the repository and the revision of "org/name" or "org/name@revision".

    `revision` is the setting. Raises SettingsError if the name contains another revision than the setting.

    >>> split_revision("org/name@v2", None)
    ('org/name', 'v2')
    """
    repository, _, pinned = model.partition("@")
    if pinned and revision and pinned != revision:
        raise SettingsError(
            f"the setting is {revision!r}, but the model's name contains {pinned!r}; give only one", "revision"
        )
    return repository, pinned or revision


def fetch(model: str, settings: ScorerSettings) -> Path:
    """Return the folder of a Hugging Face model, which is downloaded unless it is in the cache.

    `model` is "org/name" or "org/name@revision". Only its configuration and one kind of weights are downloaded:
    safetensors, or ONNX if there are none, unless the settings name a backend. huggingface_hub reads the access token
    from HF_TOKEN or its own login; the token is never printed. Raises SettingsError if name and settings give two
    different revisions, and ModelError if the model cannot be downloaded or has only other kinds of weights.
    """
    repository, revision = split_revision(model, settings.revision)
    kinds = ("torch", "onnx") if settings.backend == "auto" else (settings.backend,)
    for kind in kinds:
        folder = _snapshot(repository, revision, kind, settings)
        if any(any(folder.glob(pattern)) for pattern in WEIGHTS[kind]):
            return folder
    wanted = " or ".join(WEIGHTS[kind][0] for kind in kinds)
    raise ModelError(
        f"the repository does not contain {wanted} (pickles such as pytorch_model.bin are refused); "
        "choose a model that has one",
        model,
    )


def _snapshot(repository: str, revision: str | None, kind: str, settings: ScorerSettings) -> Path:
    """Return the folder with the configuration and the weights of one backend, `kind`. Raises ModelError."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ModelError(f"Hugging Face models need huggingface_hub: {install_line('gpu')}", repository) from error
    try:
        folder = snapshot_download(
            repository,
            revision=revision,
            cache_dir=settings.model_cache,
            local_files_only=settings.offline,
            allow_patterns=[*CONFIGURATION, *WEIGHTS[kind]],
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise ModelError(_reason(error, revision, repository), repository) from error
    return Path(folder)


def _reason(error: Exception, revision: str | None, repository: str) -> str:
    """Return why a download failed and what to do, from the error of huggingface_hub."""
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, GatedRepoError):  # a subclass of RepositoryNotFoundError
        return "access to the model is restricted; accept its terms on the Hugging Face Hub and set HF_TOKEN"
    if isinstance(error, RevisionNotFoundError):
        return f"the model does not have a revision {revision!r}; give an existing branch, tag or commit"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"neither a folder nor a public Hugging Face model has this name{_similar(repository)}; check the name, or "
            "set HF_TOKEN for a private model"
        )
    if isinstance(error, LocalEntryNotFoundError):
        at_revision = f" at revision {revision}" if revision else ""
        return (
            f"no folder has this name, the model{at_revision} is not in the cache, and the Hugging Face Hub was not "
            f"reached (offline, or no network){_similar(repository)}; download it once with a network connection "
            f"(hf download {repository} --local-dir FOLDER), or give a folder"
        )
    return f"the download from the Hugging Face Hub failed ({type(error).__name__}); try again later"


def _similar(repository: str) -> str:
    """Return a suggestion for a misspelt repository, "" for one that is not."""
    return "" if any(model.name == repository for model in RECOMMENDED) else similar_model(repository)
