"""The words of a query in an engine's query syntax: without operators, field names, ranges and negated clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SUFFIX = r"(?:[~^][\d.]*)*"  # ~2 and ^3 after a word, a phrase or a group
_TOKEN = re.compile(
    rf"""(?P<blank>\s+)
    |(?P<phrase>"(?P<quoted>(?:\\.|[^"\\])*)(?:"{_SUFFIX}|$))
    |(?P<range>[\[{{][^\]}}]*(?:[\]}}]{_SUFFIX}|$)|[<>]=?\s*\S+)
    |(?P<regex>/(?:\\.|[^/\\\s])+/{_SUFFIX}(?=[\s)]|$))
    |(?P<opening>\()|(?P<closing>\){_SUFFIX})
    |(?P<both>&&|\|\|?|\+)
    |(?P<negation>[-!])
    |(?P<field>(?:\\.|[^\s\\:()"\[\]{{}}^~+!-])(?:\\.|[^\s\\:()"\[\]{{}}^~])*(?<!\\):)
    |(?P<word>(?:\\.|[^\s\\()"\[\]{{}}^~:])+){_SUFFIX}
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_SIMPLE = re.compile(
    r"""(?P<blank>\s+)
    |(?P<phrase>"(?P<quoted>(?:\\.|[^"\\])*)(?:"(?:~\d*)?|$))
    |(?P<opening>\()|(?P<closing>\))
    |(?P<both>[|+])
    |(?P<negation>-)
    |(?P<word>(?:\\.|[^\s\\()"|+]|\+(?=[\s)+]|$))+?)(?:~\d*)?(?=[\s()"|]|\+(?![\s)+]|$)|$)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_WILDCARDS = "*?"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def fielded_words(text: str) -> list[tuple[str, str]]:
    """Return (field, word) for each word that a query_string query looks for; the field is "" if it is not named.

    >>> fielded_words('title:"red soup"~3 AND (hot^2 OR warm*) -cold price:[1 TO 5]')
    [('title', 'red soup'), ('', 'hot'), ('', 'warm')]
    """
    return list(_words(_tokens(text, _TOKEN)))


def simple_words(text: str) -> str:
    """Return the words that a simple_query_string query looks for.

    >>> simple_words('"red soup"~3 + (hot | warm*) -cold')
    'red soup hot warm'
    """
    return " ".join(word for _, word in _words(_tokens(text, _SIMPLE, named=False)))


def _tokens(text: str, pattern: re.Pattern[str], named: bool = True) -> Iterator[_Token]:
    """Yield the tokens of `text`; with `named`, AND, OR and NOT are operators."""
    for match in pattern.finditer(text):
        kind, value = str(match.lastgroup), match.group()
        if match["phrase"] is not None:
            kind, value = "word", _unescaped(match["quoted"])
        elif match["word"] is not None:
            value = match["word"]
            kind = {"NOT": "negation", "AND": "both", "OR": "both"}.get(value, "word") if named else "word"
            value = _without_wildcards(value)
        elif kind == "field":
            value = _unescaped(value[:-1])
        if kind != "blank":
            yield _Token(kind, value)


def _words(tokens: Iterator[_Token]) -> Iterator[tuple[str, str]]:
    """Yield (field, word) for each word, the field "" if none is named; negated words are left out."""
    groups = [(False, "")]  # of each open group: whether it is negated, and its field
    negated, field = groups[-1]
    for token in tokens:
        if token.kind == "negation":
            negated = True
        elif token.kind == "field":
            field = token.text
        elif token.kind == "opening":
            groups.append((negated, field))
        elif token.kind != "both":
            if token.kind == "word" and token.text.strip() and not negated:
                yield field, token.text
            if token.kind == "closing" and len(groups) > 1:
                groups.pop()
            negated, field = groups[-1]


def _without_wildcards(word: str) -> str:
    """Return a word without wildcards at its ends, "" if others remain: what it stands for is not known."""
    kept = re.sub(r"(?<!\\)[*?]+$", "", word).lstrip(_WILDCARDS)
    return "" if re.search(r"(?<!\\)[*?]", kept) else _unescaped(kept)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
