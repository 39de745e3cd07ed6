"""Find the text that the user typed in any search body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from resift.rerank.plugin.query_syntax import fielded_words, simple_words

_BY_FIELD = {"match", "match_phrase", "match_phrase_prefix", "match_bool_prefix"}
_BY_VECTOR = {"semantic", "neural", "text_expansion", "neural_sparse", "sparse_vector", "text_embedding", "agentic"}
_BY_FIELDS = {"multi_match", "combined_fields", "rrf", "linear"}  # the last two: retrievers in the short form
_SYNTAX = {"query_string", "simple_query_string"}
_TEXT_KEYS = ("query", "query_text", "model_text")
_OTHER_TEXTS = {"inference_text"}  # of a retriever whose model reads it
_UNSCORED = {
    *("filter", "must_not", "negative", "functions", "fields", "sort", "aggs", "post_filter", "rescore"),
    *("script", "params", "inner_hits", "highlight", "like", "unlike", "document", "documents", "match_criteria"),
}
_READ, _ANY, _OTHER = 2, 1, 0


@dataclass(frozen=True, slots=True)
class _Words:
    """Words of a search, and how they relate to the fields that the model reads: its own, any or unknown, or others."""

    text: str
    field: int


def query_text(body: Mapping[str, Any], fields: Sequence[str] = ()) -> str:
    """Return the text that a search body looks for in `fields`, which the model reads, "" if it has no text.

    Texts that decide the scores are compared: the first that is searched in one of `fields` wins, then the first of
    which the field is not known (vectors, default fields), then the longest of the others. bool, dis_max,
    function_score, nested, hybrid, knn and retrievers are searched; filters and negations are skipped. Of the syntax of
    `query_string` and `simple_query_string` only the words are kept.

    >>> query_text({"query": {"bool": {"filter": {"term": {"a": "b"}}, "must": {"match": {"t": "red soup"}}}}})
    'red soup'
    """
    parts = [body[name] for name in ("query", "sub_searches", "retriever", "knn") if name in body]
    found = [words for part in parts for words in _texts(part, fields) if words.text.strip()]
    if not found and body.get("q"):
        found = list(_in_syntax({"query": str(body["q"]), "default_field": body.get("df")}, False, fields))
    best = max((words.field for words in found), default=_OTHER)
    if best == _OTHER:
        return max((words.text for words in found), key=lambda text: (len(text.split()), len(text)), default="")
    return next(words.text for words in found if words.field == best)


def _texts(part: Any, fields: Sequence[str]) -> Iterator[_Words]:  # noqa: ANN401 - any JSON
    if isinstance(part, list):
        for member in part:
            yield from _texts(member, fields)
    elif isinstance(part, Mapping):
        for name, value in part.items():
            if name in _UNSCORED:
                continue
            if name in _OTHER_TEXTS and isinstance(value, str):
                yield _Words(value, _ANY)
            elif not isinstance(value, Mapping):
                yield from _texts(value, fields)
            else:
                yield from _clause(name, value, fields)


def _clause(name: str, value: Mapping[str, Any], fields: Sequence[str]) -> Iterator[_Words]:
    """Yield the texts of the clause `{name: value}`."""
    if name in _BY_FIELD:
        yield from _by_field(value, fields)
    elif name in _BY_VECTOR:
        yield from (_Words(words.text, _ANY) for words in _by_field(value, fields))
    elif name in _SYNTAX:
        yield from _in_syntax(value, name == "simple_query_string", fields)
    elif name in _BY_FIELDS and any(isinstance(value.get(key), str) for key in _TEXT_KEYS):
        relation = _relation(_list(value.get("fields")), fields)
        yield from (_Words(text, relation) for text in _own(value))
    elif name == "intervals":
        for field, rule in value.items():
            relation = _relation([field], fields)
            yield from (_Words(words.text, relation) for words in _texts(rule, fields))
    else:
        yield from _texts(value, fields)


def _own(clause: Mapping[str, Any]) -> Iterator[str]:
    for name in _TEXT_KEYS:
        if isinstance(clause.get(name), str):
            yield clause[name]


def _by_field(clause: Mapping[str, Any], fields: Sequence[str]) -> Iterator[_Words]:
    """Yield the text of {field: text}, {field: {query: text}} and {field: name, query: text}."""
    relation = _relation(_list(clause.get("field")), fields)
    yield from (_Words(text, relation) for text in _own(clause))
    for name, value in clause.items():
        if isinstance(value, Mapping):
            yield from (_Words(text, _relation([name], fields)) for text in _own(value))
        elif isinstance(value, str) and name not in ("field", "boost", "inference_id", "model_id", *_TEXT_KEYS):
            yield _Words(value, _relation([name], fields))


def _in_syntax(clause: Mapping[str, Any], simple: bool, fields: Sequence[str]) -> Iterator[_Words]:
    """Yield the words of a clause in query syntax: those for the model's fields if there are any, else the others."""
    text = clause.get("query")
    if not isinstance(text, str):
        return
    default = _relation(_list(clause.get("fields")) or _list(clause.get("default_field")), fields)
    if simple:
        yield _Words(text if clause.get("flags") == "NONE" else simple_words(text), default)
        return
    by_relation: dict[int, list[str]] = {}
    for field, word in fielded_words(text):
        if not field.startswith("_"):
            by_relation.setdefault(_relation([field], fields) if field else default, []).append(word)
    for relation in sorted(by_relation, reverse=True):
        yield _Words(" ".join(by_relation[relation]), relation)


def _relation(searched: Sequence[str], fields: Sequence[str]) -> int:
    """Return whether one of the `searched` fields is one of `fields`, or a field below one, such as a multi-field."""
    names = [name.partition("^")[0] for name in searched]
    if not names or "*" in names:
        return _ANY
    return _READ if any(_is_of(name, field) for name in names for field in fields) else _OTHER


def _is_of(name: str, field: str) -> bool:
    return fnmatchcase(field, name) or name.startswith(f"{field}.")


def _list(names: Any) -> list[str]:  # noqa: ANN401
    """Return field names as a list of strings; what is not a name is left out."""
    return [names] if isinstance(names, str) else [name for name in names or () if isinstance(name, str)]
