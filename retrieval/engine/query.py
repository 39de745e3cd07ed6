"""Search bodies generated for the text fields of an index, and what is added to every body: filter and window."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from resift.retrieval.engine.fields import Fields
from resift.retrieval.text import clean

TIE_BREAKER = 0.5
"""Weight of the fields other than the best-matching one; the value that BEIR uses for title and text."""
_MOST_CLAUSES = 1000  # words times fields; engines reject queries of more than 1,024 to 4,096 clauses
_WORD = re.compile(
    r"[^\s!-&(-\-/:-@\[-^`{-~\u2000-\u2018\u201a-\uabff\ud7a4-\U0010ffff]{1,255}"  # a run of letters and digits
    r"|[^\s\x00-\u206f\uac00-\ud7a3]"  # an ideograph, a kana or an emoji
)
"""What an engine's standard analysis counts as a word, possibly counting more words than the engine does.

Source: Unicode UAX #29, and the largest length of a token, 255 characters, in the engines' standard tokenizer.
"""
_COMBINING = {"rrf", "linear", "rule", "pinned"}  # retrievers that combine others


def longest_query(fields: Fields) -> int:
    """Return how many words of a query are searched at most, so that engines accept its number of clauses."""
    return max(10, _MOST_CLAUSES // len(fields.searched))


def first_words(text: str, count: int) -> str:
    """Return the beginning of `text` with at most `count` words, separated by single spaces.

    A character of a script without spaces counts as a word, and hyphens and slashes separate words, as in engines.

    >>> first_words("one-two three", 2), first_words("日本語", 2)
    ('one-two', '日本')
    """
    return " ".join(text[: _end(text, count)].split())


def is_longer(text: str, count: int) -> bool:
    """Return True if `first_words` leaves out words of `text`."""
    return _end(text, count) is not None


def _end(text: str, count: int) -> int | None:
    """Return where the word after the first `count` words starts, None if the text ends before."""
    following = next(islice(_WORD.finditer(text), count, None), None)
    return following and following.start()


def search_body(fields: Fields, text: str) -> dict[str, Any]:
    """Return the body that searches `fields` for `text`.

    One field is scored by BM25, several by the best score plus TIE_BREAKER times the others, a nested field by its best
    object.
    """
    short = first_words(text, longest_query(fields))
    groups: dict[str, list[str]] = {}
    for name in fields.searched:
        groups.setdefault(fields.nested.get(name.partition("^")[0], ""), []).append(name)
    queries = [_group(path, names, clean(short)) for path, names in groups.items()]
    query = queries[0] if len(queries) == 1 else {"dis_max": {"queries": queries, "tie_breaker": TIE_BREAKER}}
    return {"query": query}


def _group(path: str, names: Sequence[str], text: str) -> dict[str, Any]:
    match: dict[str, Any] = {
        "multi_match": {
            "query": text,
            "fields": list(names),
            "type": "best_fields",
            "tie_breaker": TIE_BREAKER,
            "lenient": True,
        }
    }
    nested = {"path": path, "query": match, "score_mode": "max", "ignore_unmapped": True}  # others may lack the path
    return {"nested": nested} if path else match


def with_filter(body: dict[str, Any], clause: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return `body` with `clause` added as a filter to its query, its knn searches and its retriever."""
    if clause is None:
        return body
    filtered = dict(body)
    if "query" in body:
        filtered["query"] = _filtered(body["query"], clause)
    if "knn" in body:
        several = isinstance(body["knn"], list)
        knn = [_with_one_more(one, clause) for one in (body["knn"] if several else [body["knn"]])]
        filtered["knn"] = knn if several else knn[0]
    if "retriever" in body:
        filtered["retriever"] = {name: _with_one_more(one, clause) for name, one in body["retriever"].items()}
    return filtered


def _filtered(query: Any, clause: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a query with a filter; in OpenSearch's hybrid query, which must be the outermost, each part gets it."""
    hybrid = query.get("hybrid") if isinstance(query, Mapping) else None
    if isinstance(hybrid, Mapping) and isinstance(hybrid.get("queries"), list):
        return {"hybrid": {**hybrid, "queries": [_filtered(one, clause) for one in hybrid["queries"]]}}
    return {"bool": {"must": [query], "filter": [clause]}}


def _with_one_more(part: Mapping[str, Any], clause: Mapping[str, Any]) -> dict[str, Any]:
    """Return a knn search or a retriever with `clause` added to its filters."""
    known = part.get("filter", [])
    return {**part, "filter": [*(known if isinstance(known, list) else [known]), clause]}


def with_window(retriever: Any, size: int) -> Any:  # noqa: ANN401 - any JSON
    """Return a retriever in which each one that combines others has a rank_window_size of at least `size`.

    Engines reject a search for more hits than this window.

    >>> with_window({"rrf": {"retrievers": [{"standard": {}}]}}, 100)
    {'rrf': {'retrievers': [{'standard': {}}], 'rank_window_size': 100}}
    """
    if not isinstance(retriever, Mapping):
        return retriever
    made: dict[str, Any] = {}
    for name, options in retriever.items():
        made[name] = options
        if isinstance(options, Mapping):
            inner = {key: _inner(options[key], size) for key in ("retriever", "retrievers") if key in options}
            known = options.get("rank_window_size", 0)
            window = {"rank_window_size": max(size, known)} if name in _COMBINING and isinstance(known, int) else {}
            made[name] = {**options, **inner, **window}
    return made


def _inner(part: Any, size: int) -> Any:  # noqa: ANN401
    """Apply `with_window` to one retriever, a list of them, or a list of objects with a retriever and its weight."""
    if isinstance(part, list):
        return [_inner(member, size) for member in part]
    if isinstance(part, Mapping) and "retriever" in part:
        return {**part, "retriever": with_window(part["retriever"], size)}
    return with_window(part, size)
