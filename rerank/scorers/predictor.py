"""Base class of the cross-encoders on this machine: tokenizes, makes batches, and leaves these to a backend."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.call_options import CallOptions
from resift.rerank.scorers.encoding import EncodedPairs, PairEncoder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.packing import batch_end, longest_first
from resift.rerank.scorers.pairs import distinct
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.scoring_progress import progress_bar, report
from resift.rerank.scorers.text_beginning import text_beginning
from resift.retrieval.errors import ResiftError

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


class Predictor(RankingModel):
    """A cross-encoder on this machine: reads a query and a document together, and scores their relevance."""

    def __init__(self, folder: ModelFolder, encoder: PairEncoder, batch_tokens: int) -> None:
        """Score the pairs that `encoder` encodes, in batches of at most `batch_tokens` tokens including padding."""
        self.folder, self.encoder, self.batch_tokens = folder, encoder, batch_tokens
        self.most_rows: int | None = None  # pairs in a batch, besides the limit of tokens

    @property
    def max_length(self) -> int:
        """How many tokens of a pair the model reads, special tokens included."""
        return self.encoder.max_length

    @property
    def on_cpu(self) -> bool:
        """Whether the model runs on the CPU."""
        return True

    @abstractmethod
    def forward(self, batch: Batch) -> NDArray[np.float32]:
        """Return the logits of a batch, float32 (rows,).

        Raises OutOfMemoryError if the batch does not fit into memory, and ModelError if the model cannot be run.
        """

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

    def beginning(self, text: str, tokens: int) -> str:
        """Return the beginning of `text` with at most `tokens` tokens of the model, cut between two tokens.

        Raises ModelError if the tokenizer cannot read the text.
        """
        with model_errors(self.folder, "its tokenizer cannot read the texts"):
            return text_beginning(self.encoder.tokenizer, text, tokens)

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
