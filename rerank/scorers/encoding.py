"""Convert (query, document) pairs to token ids: each text is tokenized once, and only the document is truncated.

The special tokens of a pair ([CLS] query [SEP] document [SEP] for BERT, <s> query </s></s> document </s> for
RoBERTa) are read from the tokenizer's own post-processor, so that every model gets the layout it was trained on.
The tokenizer is not changed after construction, so that threads can share it: changing its truncation or padding
during another call raises "Already borrowed".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from resift.rerank.scorer import Pair
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.text import clean

MIN_DOCUMENT_TOKENS = 64
"""Document tokens that are kept even if the query is very long; fewer if the document or the window is short."""

CHARACTERS_PER_TOKEN = 10
"""Characters of a text that are tokenized first, per token of the window; more only if these do not fill the window.

English has 4 to 5 characters per token. The value affects only the speed, because the result is checked.
"""

MAX_CHARACTERS_PER_TOKEN = 1000
"""Characters of a text that are tokenized at most, per token of the window.

A text that has not filled the window by then (megabytes of spaces, or one endless word) counts as truncated: to
tokenize the rest would take seconds and add nothing useful.
"""

UNTRUSTED_TOKENS = 16
"""Last tokens of a partly read text that are not used: reading may have stopped inside "[SEP]" or "don't"."""

TEXTS_PER_CALL = 512
"""Texts per call of the tokenizer; its results take about 100 bytes per token until the ids are copied."""


@dataclass(frozen=True, slots=True)
class PairFrame:
    """The special tokens of a pair: before the query, between query and document, and after the document.

    `before`, `between`, `after`: int64 (2, m); row 0 has the token ids, row 1 the token types.
    `query_type`, `document_type`: the token type of the query's and of the document's tokens.
    """

    before: NDArray[np.int64]
    between: NDArray[np.int64]
    after: NDArray[np.int64]
    query_type: int
    document_type: int

    @property
    def size(self) -> int:
        """The number of special tokens in a pair."""
        return len(self.before[0]) + len(self.between[0]) + len(self.after[0])


@dataclass(frozen=True, slots=True)
class EncodedPairs:
    """n pairs as token ids: each distinct text once, and for each pair its two texts and how much of them is kept.

    `queries`, `documents`: the ids of each distinct text, int32 (tokens,), without special tokens.
    `query_rows`, `document_rows`: int64 (n,), the index of each pair's query and document in these lists.
    `query_lengths`, `document_lengths`: int64 (n,), how many tokens of the query and of the document are kept.
    `lengths`: int64 (n,), tokens of the whole pair including special tokens, at most the window.
    `truncated`, `query_truncated`: bool (n,), whether the end of the document or of the query was dropped.
    `read_characters`: int64 (n,), how many characters of the document its kept tokens come from.
    """

    queries: list[NDArray[np.int32]]
    documents: list[NDArray[np.int32]]
    query_rows: NDArray[np.int64]
    document_rows: NDArray[np.int64]
    query_lengths: NDArray[np.int64]
    document_lengths: NDArray[np.int64]
    lengths: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    query_truncated: NDArray[np.bool_]
    read_characters: NDArray[np.int64]


class PairEncoder:
    """Converts (query, document) texts to padded batches of token ids."""

    def __init__(self, tokenizer: Tokenizer, max_length: int, pad_id: int = 0, name: str | None = None) -> None:
        """Take over `tokenizer` and switch its truncation and padding off.

        `max_length` is the window: the maximum number of tokens in a pair, including special tokens. `pad_id` is the
        token id of the padding, and `name` the model's name in error messages. Raises SettingsError if the window is
        too small for a query and a document, and ModelError if the tokenizer does not encode a pair as special tokens
        around the query and then the document.
        """
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer, self.max_length, self.pad_id = tokenizer, max_length, pad_id
        self.frame = pair_frame(tokenizer, name)
        self.content = max_length - self.frame.size  # tokens of query and document together
        if self.content < 2:
            raise SettingsError(
                f"{max_length} tokens are too few for a query, a document and {self.frame.size} special tokens; "
                f"use at least {self.frame.size + 2}",
                "max_length",
            )

    def encode(self, pairs: Sequence[Pair], document_tokens: int | None = None) -> EncodedPairs:
        """Tokenize each distinct text of `pairs` once, and decide how much of it is kept.

        Only the document is truncated, unless the query leaves it fewer tokens than min(64, the document's length, a
        quarter of the window): then the query is truncated too, so that the document gets that many. Of each document
        at most `document_tokens` tokens are kept, if it is given.
        """
        query_indices = _indices(query for query, _ in pairs)
        document_indices = _indices(document for _, document in pairs)
        queries, queries_stopped, _ = self.tokenize(list(query_indices))
        most = self.content if document_tokens is None else min(document_tokens, self.content)  # tokens of a document
        room = min(most, self.content - max(map(len, queries), default=0))  # a document of as many is never truncated
        documents, documents_stopped, ends = self.tokenize(list(document_indices), room)
        query_rows = np.array([query_indices[query] for query, _ in pairs], dtype=np.int64)  # (n,)
        document_rows = np.array([document_indices[document] for _, document in pairs], dtype=np.int64)  # (n,)
        query_sizes = np.array([len(ids) for ids in queries], dtype=np.int64)[query_rows]  # (n,)
        document_sizes = np.array([len(ids) for ids in documents], dtype=np.int64)[document_rows]  # (n,)
        reserved = np.minimum(min(MIN_DOCUMENT_TOKENS, self.max_length // 4, self.content - 1, most), document_sizes)
        kept_of_query = np.minimum(query_sizes, self.content - reserved)
        kept_of_document = np.minimum(document_sizes, np.minimum(most, self.content - kept_of_query))
        truncated = (kept_of_document < document_sizes) | documents_stopped[document_rows]  # (n,)
        return EncodedPairs(
            queries=queries,
            documents=documents,
            query_rows=query_rows,
            document_rows=document_rows,
            query_lengths=kept_of_query,
            document_lengths=kept_of_document,
            lengths=kept_of_query + kept_of_document + self.frame.size,
            truncated=truncated,
            query_truncated=(kept_of_query < query_sizes) | queries_stopped[query_rows],
            read_characters=np.array(
                [
                    ends[document_rows[row]][: kept_of_document[row]].max(initial=0) if truncated[row] else len(text)
                    for row, (_, text) in enumerate(pairs)
                ],
                dtype=np.int64,
            ),
        )

    def tokenize(
        self, texts: Sequence[str], room: int | None = None
    ) -> tuple[list[NDArray[np.int32]], NDArray[np.bool_], dict[int, NDArray[np.int64]]]:
        """Return the first ids of each text, int32 (tokens,), and whether its reading was stopped early, bool (n,).

        The third value is, for each text that has more than `room` tokens or was stopped, by its place: the character
        at which each of its tokens ends, int64 (tokens,). If `room` is None, it is empty.
        At most one id more than the window has room for is returned, so that the caller can see a truncation.

        Only the part of a text that the window needs is tokenized: first `CHARACTERS_PER_TOKEN`, then repeatedly four
        times as much while that is too little. The ids equal those of the whole text, because only words that are
        complete in this part are used. One exception: a very long "word" (SentencePiece treats Chinese text without
        spaces as one) counts as complete after four windows. Its ids could differ, but no such case is known.
        """
        found: list[NDArray[np.int32]] = []
        ends: dict[int, NDArray[np.int64]] = {}
        stopped = np.zeros(len(texts), dtype=bool)
        reach = CHARACTERS_PER_TOKEN * self.max_length
        for start in range(0, len(texts), TEXTS_PER_CALL):
            part = [clean(text) for text in texts[start : start + TEXTS_PER_CALL]]
            short = [text for text in part if len(text) <= reach]
            read = iter(self.tokenizer.encode_batch(short, add_special_tokens=False))
            for place, text in enumerate(part, start):
                if len(text) <= reach:
                    encoding = next(read)
                else:
                    encoding, stopped[place] = self._read_ahead(text, reach)
                found.append(np.array(encoding.ids[: self.content + 1], dtype=np.int32))
                if room is not None and (len(encoding) > room or stopped[place]):
                    ends[place] = np.array([end for _, end in encoding.offsets[: self.content + 1]], dtype=np.int64)
        return found, stopped, ends

    def _read_ahead(self, text: str, reach: int) -> tuple[Encoding, bool]:
        """Tokenize the first `reach` characters of `text`, and more until the window is full or the text ends.

        Returns the encoding, and True if neither was reached within `MAX_CHARACTERS_PER_TOKEN`.
        """
        furthest = MAX_CHARACTERS_PER_TOKEN * self.max_length
        while True:
            encoding = self.tokenizer.encode(text[:reach], add_special_tokens=False)
            if reach >= len(text) or self._fills(encoding):
                return encoding, False
            if reach >= furthest:
                return encoding, True
            reach = min(4 * reach, furthest)

    def _fills(self, encoding: Encoding) -> bool:
        """Return whether complete words fill the window, the last `UNTRUSTED_TOKENS` not counted."""
        if len(encoding) > 4 * self.max_length:
            return True
        words = encoding.word_ids
        complete = next((place for place in range(len(words), 0, -1) if words[place - 1] != words[-1]), 0)
        return complete - UNTRUSTED_TOKENS > self.content

    def pad(self, encoded: EncodedPairs, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Return `pad_rows` of some pairs; `rows`, int64 (rows,), are their indices in `encoded`."""
        return self.pad_rows([(encoded, int(row)) for row in rows])

    def pad_rows(self, pairs: Sequence[tuple[EncodedPairs, int]]) -> dict[str, NDArray[np.int64]]:
        """Return input_ids, attention_mask and token_type_ids of some pairs, each int64 (rows, longest).

        A pair is its encoding, which may be that of another call than its neighbour's, and its index there. longest is
        the largest of their lengths, at least 1: a pair without any token is one token of padding that the model reads.
        """
        frame = self.frame
        lengths = np.array([max(1, encoded.lengths[row]) for encoded, row in pairs], dtype=np.int64)  # (rows,)
        shape = (len(pairs), int(lengths.max()))
        ids = np.full(shape, self.pad_id, dtype=np.int64)  # (rows, longest)
        types = np.zeros(shape, dtype=np.int64)  # (rows, longest)
        query_starts = frame.before.shape[1]
        ids[:, :query_starts], types[:, :query_starts] = frame.before
        for line, (encoded, row) in enumerate(pairs):
            query_ends = query_starts + int(encoded.query_lengths[row])
            starts = query_ends + frame.between.shape[1]
            ends = starts + int(encoded.document_lengths[row])
            last = ends + frame.after.shape[1]
            ids[line, query_starts:query_ends] = encoded.queries[encoded.query_rows[row]][: query_ends - query_starts]
            ids[line, query_ends:starts] = frame.between[0]
            ids[line, starts:ends] = encoded.documents[encoded.document_rows[row]][: ends - starts]
            ids[line, ends:last] = frame.after[0]
            types[line, query_starts:query_ends] = frame.query_type
            types[line, query_ends:starts] = frame.between[1]
            types[line, starts:ends] = frame.document_type
            types[line, ends:last] = frame.after[1]
        mask = (np.arange(shape[1]) < lengths[:, None]).astype(np.int64)  # (rows, longest)
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def pair_frame(tokenizer: Tokenizer, name: str | None = None) -> PairFrame:
    """Return the special tokens that `tokenizer` adds to a pair, found by encoding one.

    `name` is the model's name in error messages. Raises ModelError if the layout is not query, then document.
    """
    probe = tokenizer.encode("a", "a", add_special_tokens=True)
    sides = list(probe.sequence_ids)  # None for a special token, 0 for the query, 1 for the document
    query = [place for place, side in enumerate(sides) if side == 0]
    document = [place for place, side in enumerate(sides) if side == 1]
    ordered = bool(query and document) and query[-1] < document[0]
    if not ordered or None in sides[query[0] : query[-1]] or None in sides[document[0] : document[-1]]:
        raise ModelError("its tokenizer does not encode a pair as query, then document; use another model", name)
    table = np.array([probe.ids, probe.type_ids], dtype=np.int64)  # (2, tokens)
    return PairFrame(
        before=table[:, : query[0]],
        between=table[:, query[-1] + 1 : document[0]],
        after=table[:, document[-1] + 1 :],
        query_type=probe.type_ids[query[0]],
        document_type=probe.type_ids[document[0]],
    )


def _indices(texts: Iterable[str]) -> dict[str, int]:
    """Return the distinct texts in order of appearance, each with its index."""
    indices: dict[str, int] = {}
    for text in texts:
        indices.setdefault(text, len(indices))
    return indices
