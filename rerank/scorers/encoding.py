"""Texts become token ids: each text is tokenized once, and only the document is cut.

The special tokens of a pair ([CLS] query [SEP] document [SEP] for BERT, <s> query </s></s> document </s> for
RoBERTa) are read off the tokenizer's own post-processor, so that every family is laid out as it was trained.
Nothing here changes the tokenizer after construction: that is what makes it safe to share between threads
("Already borrowed" is what a tokenizer says whose truncation or padding is switched while another call reads it).
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

ROOM = 64
"""Tokens of a document that even the longest query leaves, where the document has them and the window allows."""

CHARACTERS_A_TOKEN = 10
"""A text longer than this for each token of the window is tokenized only so far, and further where that is too little.

English has 4 to 5 characters a token; the bound decides on the time alone, for what was read is checked.
"""

UNREAD_CHARACTERS_A_TOKEN = 1000
"""A text that has not filled the window after so many for each of its tokens (megabytes of spaces, or one endless
word) is not read further and counts as cut: the tokenizer needs seconds for what no reader would miss."""

MARGIN = 16
"""Tokens before the cut that are not trusted: it may stand inside "[SEP]" or "don't", which are several words then."""

TEXTS_A_CALL = 512
"""Texts given to the tokenizer at once: its results take some 100 bytes a token until the ids are taken out."""


@dataclass(frozen=True, slots=True)
class PairFrame:
    """What a tokenizer puts around a pair: ids before the query, between the two and after the document.

    Each of `before`, `between` and `after` is int64 (2, m): the ids and their token types.
    """

    before: NDArray[np.int64]
    between: NDArray[np.int64]
    after: NDArray[np.int64]
    query_type: int
    document_type: int

    @property
    def size(self) -> int:
        """Return how many special tokens a pair has."""
        return len(self.before[0]) + len(self.between[0]) + len(self.after[0])


@dataclass(frozen=True, slots=True)
class EncodedPairs:
    """n pairs as token ids: distinct texts once, and for each pair which texts and how much of them.

    `queries`, `documents`: the ids of each distinct text, int32 (tokens,), without special tokens.
    `query_rows`, `document_rows`: int64 (n,), which of them a pair reads.
    `query_lengths`, `document_lengths`: int64 (n,), how many tokens of them are kept.
    `lengths`: int64 (n,), tokens of the whole pair with special tokens, at most the window.
    `truncated`, `query_truncated`: bool (n,), whether the end of the document or of the query was cut.
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


class PairEncoder:
    """Turns (query, document) texts into padded batches of token ids."""

    def __init__(self, tokenizer: Tokenizer, max_length: int, pad_id: int = 0, name: str | None = None) -> None:
        """Own `tokenizer` from now on (its truncation and padding are switched off); the window is `max_length` tokens.

        Raises SettingsError where the window has no room for a query and a document, and ModelError where the
        tokenizer does not lay a pair out as special tokens around two texts.
        """
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer, self.max_length, self.pad_id = tokenizer, max_length, pad_id
        self.frame = pair_frame(tokenizer, name)
        self.content = max_length - self.frame.size
        if self.content < 2:
            raise SettingsError(
                f"{max_length} tokens leave no room beside {self.frame.size} special ones", "max_length"
            )

    def encode(self, pairs: Sequence[Pair]) -> EncodedPairs:
        """Tokenize each distinct text of `pairs` once and decide what is kept of it.

        Only the document is cut. Where the query leaves fewer tokens than min(64, what the document has, a quarter
        of the window), the query is cut as a last resort until that many are left.
        """
        query_places = _places(query for query, _ in pairs)
        document_places = _places(document for _, document in pairs)
        queries, queries_unread = self.tokenize(list(query_places))
        documents, documents_unread = self.tokenize(list(document_places))
        query_rows = np.array([query_places[query] for query, _ in pairs], dtype=np.int64)  # (n,)
        document_rows = np.array([document_places[document] for _, document in pairs], dtype=np.int64)  # (n,)
        query_sizes = np.array([len(ids) for ids in queries], dtype=np.int64)[query_rows]  # (n,)
        document_sizes = np.array([len(ids) for ids in documents], dtype=np.int64)[document_rows]  # (n,)
        room = np.minimum(min(ROOM, self.max_length // 4, self.content - 1), document_sizes)
        kept_of_query = np.minimum(query_sizes, self.content - room)
        kept_of_document = np.minimum(document_sizes, self.content - kept_of_query)
        return EncodedPairs(
            queries=queries,
            documents=documents,
            query_rows=query_rows,
            document_rows=document_rows,
            query_lengths=kept_of_query,
            document_lengths=kept_of_document,
            lengths=kept_of_query + kept_of_document + self.frame.size,
            truncated=(kept_of_document < document_sizes) | documents_unread[document_rows],
            query_truncated=(kept_of_query < query_sizes) | queries_unread[query_rows],
        )

    def tokenize(self, texts: Sequence[str]) -> tuple[list[NDArray[np.int32]], NDArray[np.bool_]]:
        """Return the first ids of each text, int32 (tokens,), and which were given up, bool (n,).

        The ids are one more than the window holds, where there are so many.

        A text is read only as far as the window needs, `CHARACTERS_A_TOKEN` first and four times as far while that
        was too little. The ids are those of the whole text: they are taken only from words that are complete in the
        part that was read. A single "word" without end (Chinese has no spaces under SentencePiece) counts as
        complete four windows further on; there alone could the ids differ, and no such case is known.
        """
        found: list[NDArray[np.int32]] = []
        unread = np.zeros(len(texts), dtype=bool)
        reach = CHARACTERS_A_TOKEN * self.max_length
        for start in range(0, len(texts), TEXTS_A_CALL):
            part = [clean(text) for text in texts[start : start + TEXTS_A_CALL]]
            short = [text for text in part if len(text) <= reach]
            read = iter(self.tokenizer.encode_batch_fast(short, add_special_tokens=False))
            for place, text in enumerate(part, start):
                if len(text) <= reach:
                    encoding = next(read)
                else:
                    encoding, unread[place] = self._read_ahead(text, reach)
                found.append(np.array(encoding.ids[: self.content + 1], dtype=np.int32))
        return found, unread

    def _read_ahead(self, text: str, reach: int) -> tuple[Encoding, bool]:
        """Tokenize `text` up to `reach` characters and further, until the window is full, the text ends or is given up.

        The second value tells whether it was given up.
        """
        furthest = UNREAD_CHARACTERS_A_TOKEN * self.max_length
        while True:
            encoding = self.tokenizer.encode(text[:reach], add_special_tokens=False)
            if reach >= len(text) or self._fills(encoding):
                return encoding, False
            if reach >= furthest:
                return encoding, True
            reach = min(4 * reach, furthest)

    def _fills(self, encoding: Encoding) -> bool:
        """Tell whether the window is filled by words that end well before the part that was read does."""
        if len(encoding) > 4 * self.max_length:
            return True
        words = encoding.word_ids
        complete = next((place for place in range(len(words), 0, -1) if words[place - 1] != words[-1]), 0)
        return complete - MARGIN > self.content

    def pad(self, encoded: EncodedPairs, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Return input_ids, attention_mask and token_type_ids of some `rows`, each int64 (rows, longest)."""
        frame = self.frame
        shape = (len(rows), int(encoded.lengths[rows].max()))
        ids = np.full(shape, self.pad_id, dtype=np.int64)  # (rows, longest)
        types = np.zeros(shape, dtype=np.int64)  # (rows, longest)
        query_starts = frame.before.shape[1]
        ids[:, :query_starts], types[:, :query_starts] = frame.before
        for line, row in enumerate(rows):
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
        mask = (np.arange(shape[1]) < encoded.lengths[rows][:, None]).astype(np.int64)  # (rows, longest)
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def pair_frame(tokenizer: Tokenizer, name: str | None = None) -> PairFrame:
    """Return what `tokenizer` puts around a pair, by letting it encode one. Raises ModelError on another layout."""
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


def _places(texts: Iterable[str]) -> dict[str, int]:
    """Return each distinct text with its place among them, in order of appearance."""
    places: dict[str, int] = {}
    for text in texts:
        places.setdefault(text, len(places))
    return places
