"""Base class of the cross-encoders: `predict`, `rank` and `score`, on top of the one method that a backend adds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.activations import ACTIVATIONS
from resift.rerank.scorers.call_options import CallOptions, PredictArguments, RankArguments, choose_top, read_options
from resift.rerank.scorers.encoding import EncodedPairs, PairEncoder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.scorers.packing import batch_end, longest_first
from resift.rerank.scorers.pairs import distinct, is_pair, read_documents, read_pairs
from resift.rerank.scorers.scoring_progress import progress_bar, report
from resift.retrieval.errors import ResiftError, SettingsError

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


SAME_SCORE = 0.02
"""Largest relative difference between two logits of one pair that counts as rounding."""


class OutOfMemoryError(Exception):
    """Raised by a backend if a batch does not fit into memory; the predictor then tries smaller batches."""


class Predictor(ABC):
    """A cross-encoder: reads a query and a document together and scores how relevant the document is to the query."""

    def __init__(self, folder: ModelFolder, encoder: PairEncoder, batch_tokens: int) -> None:
        """Score the pairs that `encoder` encodes, in batches of at most `batch_tokens` tokens including padding."""
        self.folder, self.encoder, self.batch_tokens = folder, encoder, batch_tokens
        self.most_rows: int | None = None  # pairs in a batch, besides the limit of tokens

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
    def fusion(self) -> OwnFusion | None:
        """How the model is best fused with a first stage, by its folder; None if that does not say."""
        return self.folder.fusion

    @property
    def activation(self) -> str:
        """The activation that `predict` applies if none is given: "sigmoid", "identity", or one it does not know."""
        return self.folder.activation

    @property
    def on_cpu(self) -> bool:
        """Whether the model runs on the CPU."""
        return True

    @abstractmethod
    def forward(self, batch: Batch) -> NDArray[np.float32]:
        """Return the logits of a batch, float32 (rows,).

        Raises OutOfMemoryError if the batch does not fit into memory, and ModelError if the model cannot be run.
        """

    @overload
    def predict(
        self,
        pairs: Iterable[Pair | list[str]] | NDArray[Any],
        *,
        activation: str | None = None,
        prompt: str | None = None,
        **others: Unpack[PredictArguments],
    ) -> NDArray[np.float32]: ...

    @overload
    def predict(
        self,
        pairs: tuple[str, str] | list[str],
        *,
        activation: str | None = None,
        prompt: str | None = None,
        **others: Unpack[PredictArguments],
    ) -> float: ...

    def predict(
        self,
        pairs: Any,
        *,
        activation: str | None = None,
        prompt: str | None = None,
        **others: Unpack[PredictArguments],
    ) -> NDArray[np.float32] | float:
        """Return a score for each (query, document) pair, float32 (n,), in the order of the pairs.

        `pairs` is any iterable of pairs: a list, a generator, zip, or an array of strings with two columns; one pair
        by itself gives a float. `activation` is "sigmoid" (scores from 0 to 1) or "identity" (the raw logits); None
        takes the activation in the model's folder, or sigmoid if it has none, as sentence-transformers does. `prompt`
        is put before every query; None takes the prompt in the model's folder, and "" means no prompt. The other
        arguments are those of sentence-transformers, as in `PredictArguments`. Raises SettingsError if an argument
        cannot be used, and ModelError if the model cannot score the pairs.
        """
        options = read_options(self.folder, {"activation": activation, "prompt": prompt, **others}, PredictArguments)
        single = is_pair(pairs)
        logits = self._score(read_pairs([pairs] if single else pairs), options).logits
        shown = ACTIVATIONS[options.activation](logits)  # (n,)
        return float(shown[0]) if single else shown

    def rank(
        self,
        query: str,
        documents: Iterable[str],
        top_n: int | None = None,
        return_documents: bool = False,
        *,
        activation: str | None = None,
        **others: Unpack[RankArguments],
    ) -> list[dict[str, Any]]:
        """Return one row per document, best first: `corpus_id` (int, its index in `documents`) and `score` (float).

        `documents` is any iterable of strings, and `query` one string. `top_n` is the maximum number of rows;
        `return_documents` adds the key `text`, the document. Documents with equal logits keep their given order.
        `activation` is as in `predict`, and does not change the order. The other arguments are `prompt`, as in
        `predict`, and those of sentence-transformers, as in `RankArguments`. Raises SettingsError if an argument
        cannot be used, and ModelError as `predict` does.
        """
        options = read_options(self.folder, {"activation": activation, **others}, RankArguments)
        top = choose_top(top_n, others.get("top_k"))
        if not isinstance(query, str):
            raise SettingsError(f"expected a string, got {type(query).__name__}", "query")
        texts = read_documents(documents)
        logits = self._score(read_pairs((query, text) for text in texts), options).logits  # (n,)
        shown = ACTIVATIONS[options.activation](logits)  # (n,)
        order = np.argsort(-logits, kind="stable")[:top]
        ranking: list[dict[str, Any]] = [{"corpus_id": int(place), "score": float(shown[place])} for place in order]
        if return_documents:
            for row in ranking:
                row["text"] = texts[row["corpus_id"]]
        return ranking

    def score(self, pairs: Iterable[Pair]) -> Scores:
        """Return one finite logit per pair, and which texts were truncated (see `resift.rerank.scorer.Scores`).

        The prompt in the model's folder is put before every query. Raises SettingsError if `pairs` is not an iterable
        of pairs of strings, and ModelError if the model cannot score the pairs.
        """
        return self._score(read_pairs(pairs), CallOptions("identity", self.folder.prompt))

    def encode(
        self, pairs: Sequence[Pair], prompt: str | None = None, document_tokens: int | None = None
    ) -> EncodedPairs:
        """Return `pairs` as token ids, for callers who make their own batches of them.

        `prompt` is put before every query; None takes the prompt in the model's folder. Of each document at most
        `document_tokens` tokens are kept, if it is given. Raises ModelError if the tokenizer cannot read the texts.
        """
        before = self.folder.prompt if prompt is None else prompt
        with model_errors(self.folder, "its tokenizer cannot read the texts"):
            return self.encoder.encode([(before + query, document) for query, document in pairs], document_tokens)

    def _score(self, pairs: list[Pair], options: CallOptions) -> Scores:
        indices = distinct(pairs)
        if not indices:
            empty = np.zeros(0, dtype=bool)
            return Scores(np.zeros(0, dtype=np.float32), empty, empty, np.zeros(0, dtype=np.int64))
        encoded = self.encode(list(indices), options.prompt)
        with progress_bar(options.progress):
            logits = self._run(encoded, options)  # (distinct pairs,)
        if not np.isfinite(logits).all():
            raise self.folder.error(
                "its scores are NaN or infinite; its weights are damaged, or its values exceed the range of float16: "
                "download it again, or use dtype float32"
            )
        rows = np.array([indices[pair] for pair in pairs], dtype=np.int64)  # (n,)
        return Scores(
            logits[rows], encoded.truncated[rows], encoded.query_truncated[rows], encoded.read_characters[rows]
        )

    def _run(self, encoded: EncodedPairs, options: CallOptions) -> NDArray[np.float32]:
        """Return the logits of encoded pairs, float32 (n,); a batch that does not fit into memory is halved."""
        order = longest_first(encoded.lengths)
        lengths = encoded.lengths[order]  # (n,) descending
        logits = np.empty(len(order), dtype=np.float32)
        start, budget, most = 0, self.batch_tokens, min(self.most_rows or len(order), options.batch_size or len(order))
        while start < len(order):
            end = min(batch_end(lengths, start, budget), start + most)
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
            report(start, len(order))
        return logits

    def try_padding(self) -> None:
        """Score one pair at a time from now on if the model may read padding, and a trial shows that it does.

        A decoder's head reads the last token of a pair; if it does not know the padding, it takes that for the token.
        """
        if self.folder.may_read_padding and not self._ignores_padding():
            self.most_rows = 1

    def _ignores_padding(self) -> bool:
        """Return whether a pair has the same score beside a longer one, up to the rounding of 16-bit floats."""
        pairs = [("a", "a"), ("a", "a " * min(16, self.encoder.content))]
        try:
            encoded = self.encoder.encode(pairs)
            alone, beside = (self.forward(self.encoder.pad(encoded, np.arange(rows)))[0] for rows in (1, 2))
        except Exception:  # batches are refused, or the model cannot be run: then scoring reports it
            return False
        return bool(abs(alone - beside) <= SAME_SCORE * max(1.0, abs(alone)))


@contextmanager
def model_errors(folder: ModelFolder, message: str) -> Iterator[None]:
    """Turn any exception of a library into a ModelError that begins with `message`; our own errors pass.

    Raises ModelError.
    """
    try:
        yield
    except (ResiftError, OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # libraries raise many kinds; tokenizers raises bare Exception
        raise folder.error(f"{message}: {one_line(error)}") from error


def short_of_memory(error: Exception) -> bool:
    """Return whether an error of torch or ONNX Runtime means that memory, of a GPU or a CPU, was not enough."""
    message = f"{type(error).__name__} {error}".lower()
    return "outofmemory" in message or any(words in message for words in _MEMORY_MESSAGES)


def one_line(error: Exception, width: int = 200) -> str:
    """Return the type of an error and the first `width` characters of its message, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:width]}"
