"""Find the text that the user typed in any search body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_BY_FIELD = {
    "match",
    "match_phrase",
    "match_phrase_prefix",
    "match_bool_prefix",
    "semantic",
    "neural",
    "text_expansion",
    "neural_sparse",
}
_DIRECT = {"multi_match", "query_string", "simple_query_string", "combined_fields", "sparse_vector"}
_TEXT_KEYS = ("query", "query_text", "model_text")
_UNSCORED = {"filter", "must_not", "negative", "functions", "fields", "sort", "aggs", "post_filter", "rescore"}


def query_text(body: Mapping[str, Any]) -> str:
    """Return the first text that decides the scores of a search body, "" if it is missing.

    bool, dis_max, function_score, nested, hybrid, knn and retrievers are searched; filters and negations are skipped.

    >>> query_text({"query": {"bool": {"filter": {"term": {"a": "b"}}, "must": {"match": {"t": "red soup"}}}}})
    'red soup'
    """
    parts = [body[name] for name in ("query", "retriever", "knn") if name in body]
    return next((text for part in parts for text in _texts(part) if text.strip()), "") or str(body.get("q") or "")


def _texts(part: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(part, list):
        for member in part:
            yield from _texts(member)
    elif isinstance(part, Mapping):
        for name, value in part.items():
            if name in _UNSCORED:
                continue
            if name in _DIRECT and isinstance(value, Mapping):
                yield from _own(value)
            elif name in _BY_FIELD and isinstance(value, Mapping):
                yield from _by_field(value)
            elif name == "text_embedding" and isinstance(value, Mapping):
                yield from _own(value)
            else:
                yield from _texts(value)


def _own(clause: Mapping[str, Any]) -> Iterator[str]:
    for name in _TEXT_KEYS:
        if isinstance(clause.get(name), str):
            yield clause[name]


def _by_field(clause: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of {field: text}, {field: {query: text}} and {field: name, query: text}."""
    yield from _own(clause)
    for name, value in clause.items():
        if isinstance(value, Mapping):
            yield from _own(value)
        elif isinstance(value, str) and name not in ("field", "boost", *_TEXT_KEYS):
            yield value
