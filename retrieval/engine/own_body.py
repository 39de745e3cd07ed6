"""A user's own search body: read from a file, checked against the fields of the index, and filled with each query."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from resift.retrieval.engine.field_types import FieldTypes, is_field, text_fields
from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion
from resift.retrieval.text import clean

PLACEHOLDER = "{{query}}"
_PLACEHOLDER = re.compile(r"\{\{\s*query\s*\}\}")
_BODY_KEYS = {"knn", "retriever", "query"}
# clauses whose keys are fields: {"match": {"title": ...}}; `terms` and `range` too, beside their own options
_KEYED_BY_FIELD = frozenset(
    "match match_phrase match_phrase_prefix match_bool_prefix term terms range prefix wildcard regexp fuzzy "
    "intervals neural".split()
)
# clauses that name fields in "field", "fields", "default_field" or "path"
_NAMING_FIELDS = frozenset(
    "multi_match combined_fields query_string simple_query_string exists knn nested semantic sparse_vector".split()
)
_NOT_SCORING = frozenset(("filter", "must_not", "negative", "post_filter"))  # parts that decide no score by the query
_OPTIONS = {"boost", "_name", "case_insensitive", "rewrite"}  # of clauses that are keyed by field


def read_template(path: str) -> dict[str, Any]:
    """Return a user's search body from a JSON file. Raises SettingsError if it is not one, or has no {{query}}."""
    try:
        body = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        fill(body, "")  # raises RecursionError if it is nested too deeply
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", "query_file") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f'{path} is not JSON ({error}); {PLACEHOLDER} must be inside quotes: "{PLACEHOLDER}"', "query_file"
        ) from None
    if not isinstance(body, dict) or not body.keys() & _BODY_KEYS:
        raise SettingsError(
            f"{path} is not a search body; expected an object with query, knn or retriever", "query_file"
        )
    wrong = next((name for name in _BODY_KEYS & body.keys() if not _is_clause(name, body[name])), None)
    if wrong:
        raise SettingsError(f"{path}: its {wrong} is {str(body[wrong])[:40]!r}; expected an object", "query_file")
    if fill(body, "") == body:
        raise SettingsError(f"{path} has no {PLACEHOLDER}; put it in place of the words to search for", "query_file")
    refused = next((name for name in ("sort", "collapse", "scroll", "from", "search_after") if name in body), None)
    if refused:
        raise SettingsError(f"{path} has {refused!r}, which reranking does not support; leave it out", "query_file")
    return body


def _is_clause(name: str, part: object) -> bool:
    """Return True if a part of a body is an object, or, for knn, a list of objects."""
    several = name == "knn" and isinstance(part, list)
    return all(isinstance(one, dict) for one in part) if several and isinstance(part, list) else isinstance(part, dict)


def fill(template: Any, text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a copy of `template` with `text` in place of {{query}}, also with blanks in its braces, in every string.

    >>> fill({"match": {"title": "{{query}}"}}, 'a "quoted" word')
    {'match': {'title': 'a "quoted" word'}}
    """
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda _: clean(text), template)
    if isinstance(template, Mapping):
        return {fill(name, text): fill(value, text) for name, value in template.items()}
    if isinstance(template, list):
        return [fill(member, text) for member in template]
    return template


def check_fields(body: Mapping[str, Any], types: FieldTypes, index: str, path: str) -> None:
    """Raise SettingsError if the queries of a search `body`, from the file `path`, name a field that is not in `index`.

    An engine finds nothing in a field that does not exist, and reports no error.
    """
    runtime = body.get("runtime_mappings")
    known = {*types, *(runtime if isinstance(runtime, Mapping) else ())}
    for name in named_fields({key: body[key] for key in _BODY_KEYS & body.keys()}):
        plain = name.partition("^")[0].strip()
        if "*" in plain or PLACEHOLDER in plain or not plain or plain in known or is_field(plain, types):
            continue
        texts = ", ".join(text_fields(types)[:12]) or "none"
        near = suggestion(plain, known) or f"; its text fields are {texts}"
        raise SettingsError(f"{path}: {index} has no field {plain!r}{near}", "query_file")


def searched_texts(body: Mapping[str, Any], types: FieldTypes) -> list[str]:
    """Return the text fields in which a search `body` looks for the query's words, in the order of their names.

    Wildcards are expanded, except a lone "*", and of a multi-field the field that it indexes again is returned. None
    are found if the body names none, as a search for vectors alone.

    >>> searched_texts({"query": {"multi_match": {"query": "{{query}}", "fields": ["body^2"]}}}, {"body": {"text"}})
    ['body']
    """
    named = {name.partition("^")[0].strip() for name in _scoring_fields({key: body.get(key) for key in _BODY_KEYS})}
    return [name for name in text_fields(types) if any(_names(one, name, types) for one in named)]


def _names(given: str, name: str, types: FieldTypes) -> bool:
    """Return True if a name in a body, which may have wildcards, means a text field or a multi-field of it."""
    if given == "*":
        return False
    return fnmatchcase(name, given) or (given in types and given.rpartition(".")[0] == name)


def _scoring_fields(part: object) -> Iterator[str]:
    """Yield the fields that the clauses with {{query}} name, without those in filters and negations."""
    if isinstance(part, list):
        for member in part:
            yield from _scoring_fields(member)
    elif isinstance(part, Mapping):
        for name, options in part.items():
            if name in _NOT_SCORING or fill(options, "") == options:
                continue
            if name in _KEYED_BY_FIELD and isinstance(options, Mapping):
                yield from (str(field) for field, value in options.items() if fill(value, "") != value)
            elif name in _NAMING_FIELDS:
                for clause in options if isinstance(options, list) else [options]:
                    yield from _fields_of(clause)
                    yield from _scoring_fields(clause)
            else:
                yield from _scoring_fields(options)


def named_fields(part: object) -> Iterator[str]:
    """Yield the fields that the query clauses in `part`, any JSON of a search body, name.

    >>> list(named_fields({"bool": {"must": [{"match": {"title": "x"}}, {"multi_match": {"fields": ["a^2", "b"]}}]}}))
    ['title', 'a^2', 'b']
    """
    if isinstance(part, list):
        for member in part:
            yield from named_fields(member)
    elif isinstance(part, Mapping):
        for name, options in part.items():
            if name in _KEYED_BY_FIELD and isinstance(options, Mapping):
                yield from (str(field) for field in options if field not in _OPTIONS)
            elif name in _NAMING_FIELDS:
                for clause in options if isinstance(options, list) else [options]:
                    yield from _fields_of(clause)
                    yield from named_fields(clause)
            else:
                yield from named_fields(options)


def _fields_of(clause: object) -> Iterator[str]:
    """Yield the fields that a clause of `_NAMING_FIELDS` names, in OpenSearch's knn as its keys."""
    if not isinstance(clause, Mapping):
        return
    named = [clause.get(key) for key in ("field", "default_field", "path")]
    fields = clause.get("fields")
    for name in [*named, *(fields if isinstance(fields, list) else [fields])]:
        if isinstance(name, str):
            yield name
