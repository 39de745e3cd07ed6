"""Find the form of training data by the names of its columns, and turn records into examples.

The names are those of sentence-transformers, and of the other common forms of such data: `question` and `answer`,
`pos` and `neg` lists (FlagEmbedding), `positive_passages` and `negative_passages` (Tevatron).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resift.rerank.template import Template
from resift.rerank.training.examples.forms import Contrast, Example, LabelledList, LabelledPair, Pair
from resift.retrieval.types import Document

QUERY = (
    "query",
    "question",
    "anchor",
    "query_text",
    "search_query",
    "q",
    "sentence1",
    "frage",
    "anfrage",
    "suchanfrage",
)
DOCUMENT = (
    *("document", "positive", "answer", "passage", "text", "doc", "response", "content", "contents", "body"),
    *("context", "paragraph", "abstract", "pos", "sentence2", "antwort", "positive_passages", "positives"),
)
LABEL = ("label", "score", "relevance", "grade", "rating", "relevant", "is_relevant", "target", "similarity")
NEGATIVE = ("negative", "neg", "negatives", "hard_negative", "hard_negatives", "negative_passages")
DOCUMENTS = ("documents", "passages", "docs", "texts", "candidates")
LABELS = ("labels", "scores", "label", "score", "relevances", "grades")
RELEVANCE = ("relevance", "judgements", "judgments")
TITLE = ("title", "titel")
KNOWN = tuple(dict.fromkeys((*QUERY, *DOCUMENT, *LABEL, *NEGATIVE, *DOCUMENTS, *LABELS)))
"""All names by which a header row is recognized."""

_NUMBERED = re.compile(r"(?:hard_)?neg(?:ative)?_?(\d+)", re.IGNORECASE)
_SHOWN = 12  # column names in a message
_LARGEST = 1e6  # the largest label: no model has such scores, and the square of a much larger one is no float32


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a source have the parts of an example; the form follows from which of them there are."""

    query: str
    document: str | None = None
    label: str | None = None
    title: str | None = None
    negatives: tuple[str, ...] = ()
    documents: str | None = None
    labels: str | None = None
    relevance: str | None = None

    def for_record(self, values: Mapping[str, Any]) -> Columns:
        """Return the columns of one record: the negatives may be more or fewer than those of the first record."""
        negatives = _negatives(list(values)) if self.negatives else ()
        return replace(self, negatives=negatives) if negatives else self


def find_columns(names: Sequence[str]) -> Columns:
    """Return the columns of a source whose first record has `names`.

    Raises ValueError, with what was expected, if they do not make an example.
    """
    query = _find(names, QUERY)
    documents, document = _find(names, DOCUMENTS), _find(names, DOCUMENT)
    if query is None:
        raise ValueError(f"has no column with the query ({', '.join(QUERY[:3])} …) but {_shown(names)}")
    if documents is not None:
        labels = _find(names, LABELS)
        if labels is None:
            raise ValueError(f"has {documents!r} without labels; expected as many numbers in 'labels'")
        relevance = _find([name for name in names if name != labels], RELEVANCE)
        return Columns(query, documents=documents, labels=labels, relevance=relevance)
    if document is None:
        expected = f"{', '.join(DOCUMENT[:5])} …, or documents with labels"
        raise ValueError(f"has no column with the document ({expected}) but {_shown(names)}")
    negatives = _negatives(names)
    label = None if negatives else _find([name for name in names if name not in (query, document)], LABEL)
    return Columns(query, document, label, _find(names, TITLE), negatives)


def to_examples(values: Mapping[str, Any], columns: Columns, template: Template) -> Iterator[Example]:
    """Yield the examples of one record: one, or one for each positive document.

    `template` builds the text of a document whose parts are apart: an object with title and text, or a text with its
    title, or another field that the template names, in a column of its own. Any other text is whole, so that only its
    HTML is treated. Raises ValueError if a part is missing, is empty or has another type.
    """
    query = _text(values, columns.query)
    if columns.documents is not None:
        yield _list(query, values, columns, template)
        return
    name = columns.document or ""
    documents = _documents(values.get(name), name, template, _beside(values, columns, template))
    if columns.negatives:
        found = [text for column in columns.negatives for text in _optional(values.get(column), column, template)]
        if not found:
            raise ValueError(f"has no negative document; expected a text in {columns.negatives[0]!r}")
        yield from (Contrast(query, document, tuple(found)) for document in documents)
    elif columns.label is not None:
        label = number(values.get(columns.label), columns.label)
        yield from (LabelledPair(query, document, label) for document in documents)
    else:
        _check_unlabelled(values, columns)
        yield from (Pair(query, document) for document in documents)


def _check_unlabelled(values: Mapping[str, Any], columns: Columns) -> None:
    """Raise ValueError if a record has a label or a negative although the first record had none."""
    others = [name for name in values if name not in (columns.query, columns.document, columns.title)]
    extra = next((name for name in (_find(others, LABEL), *_negatives(others)) if name), None)
    if extra is not None and values[extra] not in (None, ""):
        raise ValueError(
            f"has {extra!r}, which the first record does not have; expected the same columns in all records"
        )


def number(value: object, name: str) -> float:
    """Return a label as a finite number; texts such as "0.5" are read too. Raises ValueError.

    >>> number("1", "label"), number(True, "label")
    (1.0, 1.0)
    """
    try:
        found = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not abs(found) <= _LARGEST:
        raise ValueError(f"{name!r} is {_excerpt(value)}; expected a number of at most {_LARGEST:,.0f}")
    return found


def _list(query: str, values: Mapping[str, Any], columns: Columns, template: Template) -> LabelledList:
    documents = _documents(values.get(columns.documents or ""), columns.documents or "", template)
    labels = _numbers(values, columns.labels or "")
    relevance = None
    if columns.relevance is not None and values.get(columns.relevance) is not None:
        relevance = _numbers(values, columns.relevance)
    return LabelledList(query, tuple(documents), labels, relevance)


def _numbers(values: Mapping[str, Any], name: str) -> tuple[float, ...]:
    found = values.get(name)
    if not isinstance(found, list | tuple):
        raise ValueError(f"{name!r} is {_excerpt(found)}; expected an array of numbers")
    return tuple(number(value, name) for value in found)


def _beside(values: Mapping[str, Any], columns: Columns, template: Template) -> Document | None:
    """Return what the record has of its document beside the text, in a document without text; None if nothing."""
    used = {columns.query, columns.document, columns.label, columns.title, *columns.negatives}
    fields = {name: values[name] for name in template.fields() if name in values and name not in used}
    if columns.title is None and not fields:
        return None
    title = values.get(columns.title) if columns.title else None
    return Document("", "", title=title if isinstance(title, str) else "", fields=fields)


def _text(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    if not isinstance(found, str):
        raise ValueError(f"{name!r} is {_excerpt(found)}; expected a text")
    if not found.strip():
        raise ValueError(f"{name!r} is empty; expected a text")
    return _encodable(found.strip())


def _encodable(text: str) -> str:
    """Return `text` with U+FFFD in place of lone surrogates, which no file in UTF-8 can have."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _optional(value: object, name: str, template: Template) -> list[str]:
    """Return the texts of a column of negatives, which may be empty in some records."""
    empty = value is None or value == [] or (isinstance(value, str) and not value.strip())
    return [] if empty else _documents(value, name, template)


def _documents(value: object, name: str, template: Template, beside: Document | None = None) -> list[str]:
    """Return the texts in a column: of a text, of an object with title and text, or of an array of them.

    `beside` has the title and the fields that the record has in other columns, None if it has none.
    """
    members = value if isinstance(value, list | tuple) else [value]
    if not members:
        raise ValueError(f"{name!r} is an empty array; expected at least one text")
    return [_rendered(member, name, template, beside) for member in members]


def _rendered(value: object, name: str, template: Template, beside: Document | None) -> str:
    other = beside or Document("", "")
    if isinstance(value, Mapping):
        fields = {**other.fields, **{key: field for key, field in value.items() if key not in ("title", "text")}}
        title = str(value.get("title") or other.title)
        document = Document("", str(value.get("text") or ""), title=title, fields=fields)
    elif isinstance(value, str):
        document = replace(other, text=value)
        template = template if beside else replace(template, pattern="{text}")
    else:
        raise ValueError(f"{name!r} is {_excerpt(value)}; expected a text")
    text = _encodable(template.render(document))
    if not text:
        raise ValueError(f"{name!r} is empty; expected a text")
    return text


def _negatives(names: Sequence[str]) -> tuple[str, ...]:
    numbered = [(int(match[1]), name) for name in names if (match := _NUMBERED.fullmatch(name))]
    if numbered:
        return tuple(name for _, name in sorted(numbered))
    found = _find(names, NEGATIVE)
    return () if found is None else (found,)


def _find(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first of `wanted` that is one of `names`, as it is written there."""
    there = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(names)}
    return next((there[name] for name in wanted if name in there), None)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:_SHOWN]) or "nothing"


def _excerpt(value: object) -> str:
    return "missing" if value is None else repr(value)[:60]
