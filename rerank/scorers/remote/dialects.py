"""The APIs that servers have: what each is sent, and where the scores are in its reply. A new one is one row here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from resift.rerank.scorer import Pair
from resift.rerank.scorers.remote.reply import Part, ReplyError, read_counts, read_flags, read_scores


class Dialect(Protocol):
    """One API: the request for some pairs, and their scores from the reply."""

    @property
    def path(self) -> str:
        """The path of its route, after the base of the server."""
        ...

    @property
    def most(self) -> int:
        """How many pairs one request has at most, if the server does not say."""
        ...

    @property
    def mixed(self) -> bool:
        """Whether one request may have pairs of several queries."""
        ...

    @property
    def logits(self) -> bool:
        """Whether the values of a reply are logits; else they are probabilities."""
        ...

    @property
    def needs_model(self) -> bool:
        """Whether a request must name a model."""
        ...

    def body(self, pairs: Sequence[Pair], model: str | None) -> dict[str, Any]:
        """Return the request for `pairs`, at least one, by `model`; None is the server's own."""
        ...

    def read(self, reply: object, count: int) -> Part:
        """Return what `reply`, the JSON, has for `count` pairs. Raises ReplyError."""
        ...


@dataclass(frozen=True, slots=True)
class Rerank:
    """An API that takes one query with its documents.

    `texts` is the member of the request that has the documents, and `more` are constant members. `rows` is the member
    of the reply that has a row per document, "" if the reply is the list itself; `score` is the score's name in a row.
    """

    path: str
    rows: str = "results"
    score: str = "relevance_score"
    texts: str = "documents"
    more: Mapping[str, Any] = field(default_factory=dict)
    most: int = 1000
    logits: bool = False
    needs_model: bool = False
    mixed: bool = field(default=False, init=False)

    def body(self, pairs: Sequence[Pair], model: str | None) -> dict[str, Any]:
        """Return the request for `pairs`, all with one query; an empty text is sent as a blank, as some require it."""
        named = {} if model is None else {"model": model}
        texts = [document or " " for _, document in pairs]
        return {**named, "query": pairs[0][0] or " ", self.texts: texts, **self.more}

    def read(self, reply: object, count: int) -> Part:
        """Return the scores of `count` documents. Raises ReplyError."""
        rows = reply
        if self.rows:
            if not isinstance(reply, Mapping) or self.rows not in reply:
                raise ReplyError(f'expected an object with "{self.rows}"', _kind(reply))
            rows = reply[self.rows]
        return Part(read_scores(rows, count, self.score))


@dataclass(frozen=True, slots=True)
class PairScores:
    """The API of resift's own server for pairs of any queries: logits, and how much of each document was read."""

    path: str = "/score"
    most: int = 128
    mixed: bool = field(default=True, init=False)
    logits: bool = field(default=True, init=False)
    needs_model: bool = field(default=False, init=False)

    def body(self, pairs: Sequence[Pair], model: str | None) -> dict[str, Any]:
        """Return the request for `pairs`, as two lists of equal length."""
        named = {} if model is None else {"model": model}
        queries, documents = [query for query, _ in pairs], [document for _, document in pairs]
        return {**named, "text_1": queries, "text_2": documents, "raw_scores": True, "details": True}

    def read(self, reply: object, count: int) -> Part:
        """Return the logits of `count` pairs, and what was truncated of them. Raises ReplyError."""
        if not isinstance(reply, Mapping) or "data" not in reply:
            raise ReplyError('expected an object with "data"', _kind(reply))
        return Part(
            read_scores(reply["data"], count, "score"),
            read_flags(reply, "truncated", count),
            read_flags(reply, "query_truncated", count),
            read_counts(reply, "read_characters", count),
        )


RESIFT, TEI, VLLM, INFINITY = "resift", "tei", "vllm", "infinity"
"""The dialects of servers that say what they are."""

TEI_MOST = 32
"""The texts of a request to TEI if it does not report its limit: the default of its max_client_batch_size."""

TABLE: Mapping[str, Dialect] = {
    RESIFT: PairScores(),
    TEI: Rerank(
        "/rerank", "", "score", "texts", {"raw_scores": True, "truncate": True, "return_text": False}, TEI_MOST, True
    ),
    "cohere": Rerank("/v2/rerank", needs_model=True),
    "cohere-v1": Rerank("/v1/rerank", more={"return_documents": False}),
    "jina": Rerank("/v1/rerank", more={"return_documents": False}, needs_model=True),
    "voyage": Rerank("/v1/rerank", rows="data", more={"return_documents": False, "truncation": True}, needs_model=True),
    VLLM: Rerank("/v1/rerank"),
    INFINITY: Rerank("/rerank", more={"return_documents": False}),
}
"""Name of a dialect, as in an address -> the API."""


def _kind(reply: object) -> str:
    if isinstance(reply, Mapping):
        return f"one with {', '.join(map(repr, list(reply)[:5]))}" if reply else "an empty one"
    return f"a {type(reply).__name__}"
