"""What every cross-encoder here can do: `predict`, `rank` and `score`, over one method that a backend adds.

The order is always decided on float32 logits. A sigmoid saturates (at 17 in float32, at 6 in bfloat16) and makes
ties of different scores, so it is for display alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.encoding import EncodedPairs, PairEncoder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.packing import batch_end, longest_first
from resift.retrieval.errors import SettingsError

Batch = Mapping[str, NDArray[np.int64]]
"""input_ids, attention_mask and token_type_ids, each int64 (rows, longest)."""


_SHORT_OF_MEMORY = (
    "not enough memory",
    "allocate memory",
    "out of memory",
    "alloc_failed",
    "bad_alloc",
    "bad allocation",
)


class OutOfMemory(Exception):
    """A backend says that a batch does not fit; the predictor tries smaller ones."""


class Predictor(ABC):
    """A cross-encoder: reads a query and a document together and says how relevant the one is to the other."""

    def __init__(self, folder: ModelFolder, encoder: PairEncoder, batch_tokens: int) -> None:
        """Score what `encoder` makes of texts, in batches of at most `batch_tokens` padded tokens."""
        self.folder, self.encoder, self.batch_tokens = folder, encoder, batch_tokens

    @property
    def name(self) -> str:
        """Return what the user called the model."""
        return self.folder.name

    @abstractmethod
    def forward(self, batch: Batch) -> NDArray[np.float32]:
        """Return the logits of a batch, float32 (rows,). Raises OutOfMemory where the batch does not fit."""

    def predict(
        self, pairs: Sequence[Pair], *, activation: str | None = None, prompt: str | None = None
    ) -> NDArray[np.float32]:
        """Return a score for each (query, document) pair, float32 (n,), in the order of the pairs.

        `activation` is "sigmoid" (0 to 1) or "identity" (the raw logits); None takes what the model's folder says,
        and sigmoid where it says nothing, as sentence-transformers does. `prompt` is put before every query; None
        takes the folder's, "" none. Raises SettingsError on anything that is not a list of pairs of strings, and
        ModelError where the model cannot score them.
        """
        activate = self._activation(activation)
        return activate(self._score(pairs, prompt).logits)

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_n: int | None = None,
        return_documents: bool = False,
        *,
        activation: str | None = None,
        prompt: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return the documents, best first: `corpus_id` (place in `documents`), `score` (float) and perhaps `text`.

        `top_n` keeps the first so many; `return_documents` adds each document as `text`. Documents that score the
        same keep their given order. `activation` and `prompt` are those of `predict`; they do not decide the order.
        Raises SettingsError and ModelError, as `predict` does.
        """
        if isinstance(documents, str):
            raise SettingsError("expected a list of strings, got one string", "documents")
        if top_n is not None and top_n < 0:
            raise SettingsError(f"{top_n} is below 0", "top_n")
        activate = self._activation(activation)
        documents = list(documents)
        logits = self._score([(query, document) for document in documents], prompt).logits  # (n,)
        shown = activate(logits)  # (n,)
        order = np.argsort(-logits, kind="stable")[:top_n]
        ranking: list[dict[str, Any]] = [{"corpus_id": int(place), "score": float(shown[place])} for place in order]
        if return_documents:
            for row in ranking:
                row["text"] = documents[row["corpus_id"]]
        return ranking

    def score(self, pairs: Sequence[Pair]) -> Scores:
        """Return one finite logit a pair, and what of it was cut (see `resift.rerank.scorer.Scores`).

        The folder's own prompt is put before the queries. Raises SettingsError and ModelError, as `predict` does.
        """
        return self._score(pairs, None)

    def _score(self, pairs: Sequence[Pair], prompt: str | None) -> Scores:
        places = _distinct(pairs)
        if not places:
            empty = np.zeros(0, dtype=bool)
            return Scores(np.zeros(0, dtype=np.float32), empty, empty)
        prompt = self.folder.prompt if prompt is None else prompt
        encoded = self.encoder.encode([(prompt + query, document) for query, document in places])
        logits = self._run(encoded)  # (distinct pairs,)
        if not np.isfinite(logits).all():
            raise self.folder.error(
                "it gives scores that are not numbers (NaN or infinite); its weights are damaged, or float16 is too "
                "narrow for it: fetch it again, or use dtype float32"
            )
        rows = np.array([places[query, document] for query, document in pairs], dtype=np.int64)  # (n,)
        return Scores(logits[rows], encoded.truncated[rows], encoded.query_truncated[rows])

    def _run(self, encoded: EncodedPairs) -> NDArray[np.float32]:
        """Return the logits of encoded pairs, float32 (n,), in batches that are halved while memory is short."""
        order = longest_first(encoded.lengths)
        lengths = encoded.lengths[order]  # (n,) descending
        logits = np.empty(len(order), dtype=np.float32)
        start, budget = 0, self.batch_tokens
        while start < len(order):
            end = batch_end(lengths, start, budget)
            try:
                logits[order[start:end]] = self.forward(self.encoder.pad(encoded, order[start:end]))
            except OutOfMemory as error:
                if end - start == 1:
                    raise self.folder.error(
                        f"memory is too short for one pair of {lengths[start]} tokens; lower max_length, or use "
                        "another device"
                    ) from error
                budget = (end - start) // 2 * int(lengths[start])
                continue
            start = end
        return logits

    def _activation(self, name: str | None) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        chosen = self.folder.activation if name is None else name
        if chosen not in ACTIVATIONS:
            if name is None:
                raise self.folder.error(
                    f"its activation {chosen} is not known; pass activation='sigmoid' or 'identity'"
                )
            raise SettingsError(f"{name!r} is not known; expected sigmoid or identity", "activation")
        return ACTIVATIONS[chosen]


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)) of `logits` (n,), float32 (n,), without overflow.

    >>> sigmoid(np.array([0.0, 1000.0, -1000.0], dtype=np.float32)).tolist()
    [0.5, 1.0, 0.0]
    """
    wide = np.exp(-np.abs(logits.astype(np.float64)))
    return np.where(logits >= 0, 1.0 / (1.0 + wide), wide / (1.0 + wide)).astype(np.float32)


def identity(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `logits` as they are."""
    return logits


ACTIVATIONS = {"sigmoid": sigmoid, "identity": identity}


def is_pair(given: object) -> bool:
    """Tell whether this is two strings in a tuple or a list."""
    return isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(text, str) for text in given)


def _distinct(pairs: Sequence[Pair]) -> dict[Pair, int]:
    """Return each distinct pair with its place among them, so that equal pairs are scored once and alike."""
    places: dict[Pair, int] = {}
    for position, pair in enumerate(pairs):
        if not is_pair(pair):
            raise SettingsError(f"number {position} is not a (query, document) pair of strings", "pairs")
        places.setdefault((pair[0], pair[1]), len(places))
    return places


def short_of_memory(error: Exception) -> bool:
    """Tell whether torch or ONNX Runtime failed for want of memory, on a GPU or on a CPU."""
    said = f"{type(error).__name__} {error}".lower()
    return "outofmemory" in said or any(words in said for words in _SHORT_OF_MEMORY)


def one_line(error: Exception, width: int = 200) -> str:
    """Return an error's kind and the beginning of its text, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:width]}"
