"""Which texts a model was trained on, as hashes, so that a later evaluation can verify that it uses others.

The hashes are kept beside the record of the training. They are not the texts: nobody can read those from them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.rerank.training.normalized_text import normalized
from resift.retrieval.errors import ModelError

TRAINING_TEXTS = "training_texts.npz"
"""The file in a model's folder."""


class TrainingTexts:
    """The queries and the relevant documents of a training, each as a set of 64-bit hashes.

    Two different texts have the same hash by chance about once in 10^19 / n for n texts of a kind. A text of which
    nothing is left when normalized, such as "?!", is not kept.
    """

    def __init__(self) -> None:
        """Begin without texts."""
        self._kinds: dict[str, set[int]] = {"queries": set(), "relevant": set()}

    def add(self, query: str, relevant: Iterable[str] = ()) -> None:
        """Add what one example was made of: its query, and the documents that were relevant."""
        self._kinds["queries"].update(_hashes([query]))
        self._kinds["relevant"].update(_hashes(relevant))

    def has_query(self, text: str) -> bool:
        """Return whether a query with this text, normalized, was trained on."""
        return any(one in self._kinds["queries"] for one in _hashes([text]))

    def has_relevant(self, text: str) -> bool:
        """Return whether a document with this text, normalized, was a relevant one in the training."""
        return any(one in self._kinds["relevant"] for one in _hashes([text]))

    @property
    def queries(self) -> int:
        """The number of different queries."""
        return len(self._kinds["queries"])

    def merge(self, other: TrainingTexts) -> None:
        """Add all texts of `other`, such as those of the model that the training began from."""
        for kind, hashes in other._kinds.items():
            self._kinds[kind] |= hashes

    def save(self, folder: Path) -> Path:
        """Write the hashes into a model's folder, atomically, and return the path. Raises OSError."""
        path, buffer = folder / TRAINING_TEXTS, io.BytesIO()
        arrays: dict[str, Any] = {kind: _array(hashes) for kind, hashes in self._kinds.items()}
        np.savez_compressed(buffer, **arrays)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_bytes(buffer.getvalue())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    @classmethod
    def read(cls, folder: Path) -> TrainingTexts | None:
        """Return the hashes in a model's folder, None if it has none. Raises ModelError if the file is damaged."""
        path = folder / TRAINING_TEXTS
        if not path.is_file():
            return None
        found = cls()
        try:
            with np.load(path, allow_pickle=False) as arrays:
                for kind in found._kinds:
                    found._kinds[kind] = set(arrays[kind].astype(np.uint64).tolist())
        except Exception as error:  # numpy and zipfile raise whatever the damage leads to
            raise ModelError(f"{path.name} cannot be read ({error}); remove it, or train again", folder) from error
        return found


def _hashes(texts: Iterable[str]) -> list[int]:
    """Return the hash of each text that has letters or digits."""
    plain = (normalized(text) for text in texts)
    encoded = (text.encode("utf-8", "surrogatepass") for text in plain if text)
    return [int.from_bytes(blake2b(text, digest_size=8).digest(), "little") for text in encoded]


def _array(hashes: set[int]) -> NDArray[np.uint64]:
    """Return the hashes, uint64 (n,), sorted: the same texts give the same file."""
    return np.sort(np.fromiter(hashes, dtype=np.uint64, count=len(hashes)))
