"""Read one file as one document: plain text, Markdown, HTML or PDF; its title and its text."""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

from resift.indexer.corpora.front_matter import split_front_matter
from resift.indexer.corpora.lines import marked_encoding, undecodable
from resift.indexer.corpora.pdf import read_pdf
from resift.retrieval.markup import plain_text

KINDS = {
    ".txt": "text",
    ".text": "text",
    ".rst": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".htm": "html",
    ".html": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
}
"""Extension of a file's name -> the kind of its content, which is also the name of the format."""

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(\S.*)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_FENCES = ("```", "~~~")
_MOST_OPEN_TAGS = 100  # at the end of a page, without the ">" that closes them: a broken or hostile page
_NOT_TEXT = ("script", "style", "template", "noscript", "title")
_WIDER = {
    **dict.fromkeys(["iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii"], "cp1252"),
    **dict.fromkeys(["iso-8859-9", "latin5"], "cp1254"),
    **dict.fromkeys(["gb2312", "gbk", "x-gbk"], "gb18030"),
    **dict.fromkeys(["shift_jis", "shift-jis", "sjis", "x-sjis"], "cp932"),
    **dict.fromkeys(["euc-kr", "ks_c_5601-1987", "korean"], "cp949"),
    **dict.fromkeys(["utf-16", "utf-16le", "utf-16be", "unicode"], "utf-8"),  # the declaration itself is not UTF-16
}
"""Declared encoding -> the one that browsers read it as, by the WHATWG's Encoding Standard."""


class UndecodableError(ValueError):
    """A file is not in the encoding that it should be in, from `line` on."""

    def __init__(self, message: str, line: int) -> None:
        """Keep the 1-based `line`."""
        self.line = line
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Page:
    """What was read of a file that is one document.

    `fields` are the other keys of a Markdown file's front matter. `note` says which part of the file has no text.
    """

    title: str
    text: str
    fields: Mapping[str, str | list[str]] = field(default_factory=dict)
    note: str = ""


def read_page(raw: bytes, kind: str, encoding: str) -> Page:
    """Return what the file `raw` has.

    Its `kind` is "text", "markdown", "html" or "pdf". `encoding` is that of text without a byte order mark; an HTML
    page may declare its own. Raises ValueError with the problem if the file cannot be read as this kind.
    """
    if kind == "pdf":
        title, text, note = read_pdf(raw)
        return Page(title, text, note=note)
    content = _decoded_page(raw, encoding) if kind == "html" else _decoded(raw, encoding)
    if "\0" in content:
        raise ValueError("contains NUL bytes; expected text")
    if kind == "markdown":
        return _markdown(content)
    return Page(*(_html(content) if kind == "html" else ("", content.strip())))


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(marked_encoding(raw[:4], encoding)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = undecodable(raw, error.start, encoding)
        raise UndecodableError(f"byte {error.start + 1} {what}; name the right one with `encoding`", line) from None
    except UnicodeError as error:  # codecs such as idna do not report a position
        raise ValueError(f"is not {encoding} ({error}); name the right one with `encoding`") from None


def _decoded_page(raw: bytes, encoding: str) -> str:
    """Return an HTML page by its byte order mark, else by the encoding that it declares, else by `encoding`."""
    from bs4.dammit import EncodingDetector

    if marked_encoding(raw[:4], "utf-8") != "utf-8" or raw.startswith(codecs.BOM_UTF8):
        return _decoded(raw, "utf-8")
    declared = EncodingDetector.find_declared_encoding(raw, is_html=True) or encoding
    try:
        return raw.decode(_WIDER.get(declared.lower(), declared))
    except (LookupError, ValueError):  # not a codec, or not one of texts, or a wrong declaration
        return _decoded(raw, encoding)


def _markdown(content: str) -> Page:
    fields, body = split_front_matter(content)
    named = next((name for name in ("title", "Title", "TITLE") if isinstance(fields.get(name), str)), None)
    if named:
        return Page(str(fields.pop(named)).strip(), body.strip(), fields)
    lines = body.splitlines()
    title, start, end = _first_heading(lines)
    return Page(title, "\n".join([*lines[:start], *lines[end:]]).strip(), fields)


def _first_heading(lines: list[str]) -> tuple[str, int, int]:
    """Return (heading, first line, line after it) of the first heading outside fenced code; ("", 0, 0) if none."""
    fenced = False
    for place, line in enumerate(lines):
        fenced ^= line.lstrip().startswith(_FENCES)
        if fenced:
            continue
        heading = _HEADING.match(line)
        if heading:
            return heading.group(1).strip().rstrip("#").rstrip() or heading.group(1).strip(), place, place + 1
        underlined = place + 1 < len(lines) and _UNDERLINE.fullmatch(lines[place + 1])
        if underlined and line.strip() and not _UNDERLINE.fullmatch(line):  # a horizontal rule is not a heading
            return line.strip(), place, place + 2
    return "", 0, 0


def _html(content: str) -> tuple[str, str]:
    from bs4 import BeautifulSoup
    from bs4.builder import ParserRejectedMarkup

    if content.count("<", content.rfind(">") + 1) > _MOST_OPEN_TAGS:  # html.parser's time would be quadratic in them
        return "", plain_text(content, "strip")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bs4 warns about pages that look like XML or like a file name
            page = BeautifulSoup(content, "html.parser")
    except (ParserRejectedMarkup, RecursionError, AssertionError, ValueError):  # pages that the parser rejects
        return "", plain_text(content, "strip")
    headings = (" ".join(tag.get_text(" ").split()) for tag in (page.title, page.h1) if tag is not None)
    title = next((heading for heading in headings if heading), "")
    for tag in page(_NOT_TEXT):
        if not tag.decomposed:  # already, together with an enclosing tag
            tag.decompose()
    lines = (" ".join(line.split()) for line in page.get_text("\n").splitlines())
    return title, "\n".join(line for line in lines if line)
