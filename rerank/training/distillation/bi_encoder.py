"""A bi-encoder of sentence-transformers as one of several teachers: it scores a pair by the cosine of two vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.predictor import one_line
from resift.rerank.training.quiet_libraries import quiet_libraries
from resift.retrieval.errors import ModelError
from resift.retrieval.extras import install_line

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MOST_VECTORS = 200_000
"""Vectors that are kept, so that a document of many queries is encoded once; 300 MB for 384 dimensions."""


def is_bi_encoder(folder: Path) -> bool:
    """Return whether a model's folder has modules of sentence-transformers that give a vector and no score.

    A cross-encoder whose head is in modules has a Dense layer after its Pooling, which gives one score.
    """
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in _modules(folder)]
    return "Pooling" in kinds and not any(_out_features(folder, module) == 1 for module in _modules(folder))


class BiEncoder:
    """Scores pairs by the cosine of the vectors of query and document, which are kept for the next pairs."""

    def __init__(
        self, folder: Path, max_length: int | None = None, threads: int | None = None, device: str = "cpu"
    ) -> None:
        """Load the model in `folder`, which reads at most `max_length` tokens of a text (its own limit if None).

        `threads` of the CPU are those of all of torch. A prompt for queries, by the model's own settings, is put before
        each query. Raises ModelError if it cannot be loaded, or sentence-transformers is not installed.
        """
        try:
            import torch
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ModelError(
                f"a bi-encoder needs sentence-transformers: {install_line('train')}", str(folder)
            ) from error
        if threads is not None:
            torch.set_num_threads(threads)
        try:
            with quiet_libraries():
                self._model: SentenceTransformer = SentenceTransformer(
                    str(folder), device=device, local_files_only=True, trust_remote_code=False
                )
        except Exception as error:  # sentence-transformers and transformers raise many kinds
            raise ModelError(f"cannot be loaded as a bi-encoder: {one_line(error)}", str(folder)) from error
        if max_length is not None:
            self._model.max_seq_length = min(max_length, self._model.max_seq_length or max_length)
        self._prompt = str((self._model.prompts or {}).get("query") or "")
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def score(self, pairs: Sequence[Pair]) -> Scores:
        """Return the cosine of each pair, from -1 to 1, in place of a logit."""
        texts = [text for query, document in pairs for text in (self._prompt + query, document)]
        vectors = self._encoded(texts)
        cosines = [float(vectors[self._prompt + query] @ vectors[document]) for query, document in pairs]
        nothing = np.zeros(len(pairs), np.bool_)
        return Scores(np.array(cosines, np.float32), nothing, nothing)

    def forget(self) -> None:
        """Drop the vectors, so that the next texts are encoded again."""
        self._vectors.clear()

    def _encoded(self, texts: list[str]) -> Mapping[str, NDArray[np.float32]]:
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if len(self._vectors) + len(missing) > MOST_VECTORS:
            self._vectors.clear()
            missing = list(dict.fromkeys(texts))
        if missing:
            encoded = self._model.encode(missing, normalize_embeddings=True, show_progress_bar=False, batch_size=16)
            self._vectors.update(zip(missing, encoded, strict=True))
        return self._vectors


def _modules(folder: Path) -> list[Mapping[str, Any]]:
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [one for one in modules if isinstance(one, Mapping)] if isinstance(modules, list) else []


def _out_features(folder: Path, module: Mapping[str, Any]) -> object:
    try:
        config = json.loads((folder / str(module.get("path")) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return config.get("out_features") if isinstance(config, Mapping) else None
