"""Choose the snippet of a document to display: the part of its text with most of the query's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from resift.rerank.reranker import Reranking
from resift.retrieval.types import Document

WORD = re.compile(r"\w+(?:['’]\w+)*")
READ_CHARACTERS = 50_000
"""Maximum number of characters of a document that are searched for a snippet."""

Analyze = Callable[[str], Sequence[str]]
"""Converts a text to its index terms."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a text, on one line; `marks` are the (start, end) character offsets of the query's words in it.

    `read`: False if the model scored the text by another part of it, and did not read this one.
    """

    text: str
    marks: tuple[tuple[int, int], ...]
    read: bool = True


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    term: str


def best_snippet(text: str, query: str, analyze: Analyze, width: int = 160) -> Snippet:
    """Return the part of `text`, about `width` characters long, with most of the query's words.

    Words match if `analyze` gives the same term for both, as in the index. Among parts with equally many distinct
    words, the one with more matches is chosen, then the first. Line breaks, control characters and repeated spaces
    become single spaces. Only the first `READ_CHARACTERS` characters are searched.
    """
    return _snippet(text, query, analyze, width, (0, len(text)))


def snippet_of(result: Reranking, document: Document, analyze: Analyze, width: int = 160) -> Snippet:
    """Return the best snippet of a document of `result`, of the text that the model reads, without its title.

    Of a document that the model read only in part, the snippet is from the passage that decided its score, if that has
    a word of the query; else from what the model read; else from the rest, with `read` False. See `best_snippet` for
    `analyze` and `width`.
    """
    rendered = result.template.read(document)
    text, query = rendered.text[rendered.body :], result.ranking.query.text
    passage = result.passages.get(document.doc_id)
    if passage is None:
        return best_snippet(text, query, analyze, width)
    start, end, read_to = (max(0, at - rendered.body) for at in (passage.start, passage.end, passage.read_to))
    decisive = _snippet(text, query, analyze, width, (start, end))
    if decisive.marks:
        return decisive
    read = _snippet(text, query, analyze, width, (0, read_to))
    if read.marks:
        return read
    rest = _snippet(text, query, analyze, width, (read_to, len(text)))
    return replace(rest, read=False) if rest.marks else decisive


def _snippet(text: str, query: str, analyze: Analyze, width: int, part: tuple[int, int]) -> Snippet:
    """Return the best snippet of the characters of `text` from part[0] to part[1]."""
    first, last = part[0], min(part[1], part[0] + READ_CHARACTERS)
    line = _one_line(text[first:last])
    matches = list(_matches(line, set(analyze(query)), analyze))
    start, stop = _window(line, _best_span(matches, width), width)
    before = "… " if start or first else ""
    after = " …" if stop < len(line) or last < len(text) else ""
    shift = len(before) - start
    marks = tuple((m.start + shift, m.end + shift) for m in matches if m.start >= start and m.end <= stop)
    return Snippet(f"{before}{line[start:stop]}{after}", marks)


def _one_line(text: str) -> str:
    """Return `text` with white space and control characters replaced by single spaces."""
    printable = "".join(c if c.isprintable() or c.isspace() else " " for c in text)
    return " ".join(printable.split())


def _matches(line: str, terms: set[str], analyze: Analyze) -> Iterable[_Match]:
    """Yield the words of `line` whose terms are among `terms`."""
    known: dict[str, str | None] = {}
    for word in WORD.finditer(line):
        raw = word.group()
        if raw not in known:
            known[raw] = next((term for term in analyze(raw) if term in terms), None)
        term = known[raw]
        if term is not None:
            yield _Match(word.start(), word.end(), term)


def _best_span(matches: Sequence[_Match], width: int) -> tuple[int, int]:
    """Return the (start, end) offsets of the best group of matches in `width` characters; (0, 0) without matches."""
    best, best_key, first = (0, 0), (0, 0), 0
    for last, match in enumerate(matches):
        while first < last and match.end - matches[first].start > width:
            first += 1
        group = matches[first : last + 1]
        key = (len({m.term for m in group}), len(group))
        if key > best_key:
            best, best_key = (group[0].start, match.end), key
    return best


def _window(line: str, span: tuple[int, int], width: int) -> tuple[int, int]:
    """Return the (start, stop) offsets of about `width` characters around `span`, moved to word boundaries."""
    if len(line) <= width:
        return 0, len(line)
    spare = max(0, width - (span[1] - span[0]))
    start = max(0, span[0] - spare // 3)
    start = min(start, len(line) - width)
    if start:
        blank = line.find(" ", start, max(span[0], start) + 1)
        start = blank + 1 if blank >= 0 else start
    stop = min(len(line), max(start + width, span[1]))
    if stop < len(line):
        blank = line.rfind(" ", max(span[1], start), stop + 1)
        stop = blank if blank > start else stop
    return start, stop
