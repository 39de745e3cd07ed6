"""Base class of the cross-encoders: `predict`, `rank` and `score`, on top of the one method that a backend adds.

Documents are always ordered by float32 logits. The sigmoid saturates (at a logit of 17 in float32, of 6 in bfloat16)
and so turns different scores into equal ones; it is only for display.
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


_MEMORY_MESSAGES = (  # parts of the messages of errors that mean too little memory
    "not enough memory",
    "allocate memory",
    "out of memory",
    "alloc_failed",
    "bad_alloc",
    "bad allocation",
)


class OutOfMemoryError(Exception):
    """Raised by a backend if a batch does not fit into memory; the predictor then tries smaller batches."""


class Predictor(ABC):
    """A cross-encoder: reads a query and a document together and scores how relevant the document is to the query."""

    def __init__(self, folder: ModelFolder, encoder: PairEncoder, batch_tokens: int) -> None:
        """Score the pairs that `encoder` encodes, in batches of at most `batch_tokens` tokens including padding."""
        self.folder, self.encoder, self.batch_tokens = folder, encoder, batch_tokens

    @property
    def name(self) -> str:
        """The model's name as the user gave it."""
        return self.folder.name

    @property
    def max_length(self) -> int:
        """How many tokens of a pair the model reads, special tokens included."""
        return self.encoder.max_length

    @property
    def languages(self) -> tuple[str, ...]:
        """The ISO 639 codes of the languages that the model reads, by its card; empty if the card names none."""
        return self.folder.languages

    @property
    def activation(self) -> str:
        """The activation that `predict` applies if none is given: "sigmoid", "identity", or one it does not know."""
        return self.folder.activation

    @abstractmethod
    def forward(self, batch: Batch) -> NDArray[np.float32]:
        """Return the logits of a batch, float32 (rows,).

        Raises OutOfMemoryError if the batch does not fit into memory, and ModelError if the model cannot be run.
        """

    def predict(
        self, pairs: Sequence[Pair], *, activation: str | None = None, prompt: str | None = None
    ) -> NDArray[np.float32]:
        """Return a score for each (query, document) pair, float32 (n,), in the order of the pairs.

        `activation` is "sigmoid" (scores from 0 to 1) or "identity" (the raw logits); None takes the activation in the
        model's folder, or sigmoid if it has none, as sentence-transformers does. `prompt` is put before every query;
        None takes the prompt in the model's folder, and "" means no prompt. Raises SettingsError if `pairs` is not a
        list of pairs of strings or the activation is not known, and ModelError if the model cannot score the pairs.
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
        """Return one row per document, best first: `corpus_id` (int, its index in `documents`) and `score` (float).

        `top_n` is the maximum number of rows; `return_documents` adds the key `text`, the document. Documents with
        equal logits keep their given order. `activation` and `prompt` are as in `predict`; the activation does not
        change the order. Raises SettingsError if an argument cannot be used, and ModelError as `predict` does.
        """
        if isinstance(documents, str):
            raise SettingsError("expected a list of strings, got one string", "documents")
        if top_n is not None and top_n < 0:
            raise SettingsError(f"{top_n} is below 0; expected 0 or more", "top_n")
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
        """Return one finite logit per pair, and which texts were truncated (see `resift.rerank.scorer.Scores`).

        The prompt in the model's folder is put before every query. Raises SettingsError if `pairs` is not a list of
        pairs of strings, and ModelError if the model cannot score the pairs.
        """
        return self._score(pairs, None)

    def _score(self, pairs: Sequence[Pair], prompt: str | None) -> Scores:
        indices = _distinct(pairs)
        if not indices:
            empty = np.zeros(0, dtype=bool)
            return Scores(np.zeros(0, dtype=np.float32), empty, empty)
        prompt = self.folder.prompt if prompt is None else prompt
        encoded = self.encoder.encode([(prompt + query, document) for query, document in indices])
        logits = self._run(encoded)  # (distinct pairs,)
        if not np.isfinite(logits).all():
            raise self.folder.error(
                "its scores are NaN or infinite; its weights are damaged, or its values exceed the range of float16: "
                "download it again, or use dtype float32"
            )
        rows = np.array([indices[query, document] for query, document in pairs], dtype=np.int64)  # (n,)
        return Scores(logits[rows], encoded.truncated[rows], encoded.query_truncated[rows])

    def _run(self, encoded: EncodedPairs) -> NDArray[np.float32]:
        """Return the logits of encoded pairs, float32 (n,); a batch that does not fit into memory is halved."""
        order = longest_first(encoded.lengths)
        lengths = encoded.lengths[order]  # (n,) descending
        logits = np.empty(len(order), dtype=np.float32)
        start, budget = 0, self.batch_tokens
        while start < len(order):
            end = batch_end(lengths, start, budget)
            try:
                logits[order[start:end]] = self.forward(self.encoder.pad(encoded, order[start:end]))
            except OutOfMemoryError as error:
                if end - start == 1:
                    raise self.folder.error(
                        f"there is not enough memory for one pair of {lengths[start]} tokens; reduce max_length, or "
                        "use another device"
                    ) from error
                budget = (end - start) // 2 * int(lengths[start])
                continue
            start = end
        return logits

    def _activation(self, name: str | None) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        chosen = self.activation if name is None else name
        if chosen not in ACTIVATIONS:
            if name is None:
                raise self.folder.error(
                    f"its activation {chosen} is not supported; pass activation='sigmoid' or 'identity'"
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
    """Return `logits` (n,) unchanged."""
    return logits


ACTIVATIONS = {"sigmoid": sigmoid, "identity": identity}
"""Name of an activation -> the function that converts logits (n,) to scores (n,), both float32."""


def is_pair(given: object) -> bool:
    """Return whether `given` is a tuple or a list of two strings."""
    return isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(text, str) for text in given)


def is_list(given: object) -> bool:
    """Return whether `given` can be read more than once and has an order, as a list but not an iterator does."""
    return isinstance(given, Sequence) and not isinstance(given, str)


def _distinct(pairs: Sequence[Pair]) -> dict[Pair, int]:
    """Return each distinct pair with its index, so that equal pairs are scored only once.

    Raises SettingsError if `pairs` is not a list, or a member of it is not a pair of strings.
    """
    indices: dict[Pair, int] = {}
    if not is_list(pairs):
        raise SettingsError(f"expected a list of (query, document) pairs, got {type(pairs).__name__}", "pairs")
    for position, pair in enumerate(pairs):
        if not is_pair(pair):
            raise SettingsError(f"number {position} is not a pair of strings; expected (query, document)", "pairs")
        indices.setdefault((pair[0], pair[1]), len(indices))
    return indices


def short_of_memory(error: Exception) -> bool:
    """Return whether an error of torch or ONNX Runtime means that memory, of a GPU or a CPU, was not enough."""
    message = f"{type(error).__name__} {error}".lower()
    return "outofmemory" in message or any(words in message for words in _MEMORY_MESSAGES)


def one_line(error: Exception, width: int = 200) -> str:
    """Return the type of an error and the first `width` characters of its message, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:width]}"
