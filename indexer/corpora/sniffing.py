"""Recognize the format of a source by its first bytes: of standard input, and of files whose names do not say it."""

from __future__ import annotations

import csv
import io
import re

from resift.indexer.corpora.delimited import likely_delimiter
from resift.indexer.corpora.json_text import parse_object
from resift.indexer.corpora.lines import marked_encoding
from resift.indexer.corpora.opening import peek_bytes
from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.usual_names import DOCUMENTS
from resift.retrieval.errors import CorpusError
from resift.retrieval.text_lines import STANDARD_INPUT

_SIGNATURES = {b"PAR1": "parquet", b"%PDF-": "pdf"}
_TAGS = {"trec": re.compile(r"<doc>", re.IGNORECASE), "html": re.compile(r"<(!doctype html|html)\b", re.IGNORECASE)}
_ARRAY = re.compile(r"\[\s*(\{|\]|$)")


def sniff(path: str, settings: CorpusSettings) -> str | None:
    """Return the format that the first bytes of `path` show; None if it could be any text.

    JSON, TREC's tags, HTML, Parquet and PDF are recognized, and tables whose header row has two usual names. Raises
    CorpusError as `open_bytes` does.
    """
    begin = peek_bytes(path)
    binary = next((name for sign, name in _SIGNATURES.items() if begin.startswith(sign)), None)
    if binary:
        return binary
    text = _first_text(begin, settings.encoding)
    tagged = next((name for name, tag in _TAGS.items() if tag.match(text)), None)
    if tagged:
        return tagged
    if _is_json(text):
        return "jsonl"
    lines = text.splitlines()
    return _table_format(lines[0]) if lines else None


def sniff_standard_input(settings: CorpusSettings) -> str:
    """Return the format of standard input; a first line with a tab is TSV. Raises CorpusError if it is not known."""
    found = sniff(STANDARD_INPUT, settings)
    if found:
        return found
    text = _first_text(peek_bytes(STANDARD_INPUT), settings.encoding)
    if not text:
        return "jsonl"  # which reports that there are no documents
    if "\t" in text.splitlines()[0]:
        return "tsv"
    if text.startswith(("{", "[")):
        return "jsonl"  # which reports what is wrong with it
    message = "the format is not recognized; expected JSON, or set `format`, for example to csv or text"
    raise CorpusError(message, STANDARD_INPUT)


def _first_text(begin: bytes, encoding: str) -> str:
    return begin.decode(marked_encoding(begin[:4], encoding), "replace").removeprefix("\ufeff").lstrip()


def _is_json(text: str) -> bool:
    lines = text.splitlines()
    if not lines or not (text.startswith("{") or _ARRAY.match(text)):
        return False
    first = lines[0].rstrip()
    whole = len(lines) > 1  # else the first line may go on behind the first bytes
    return first.endswith(("{", "[", ",")) or first.startswith("[") or not (whole and parse_object(first)[1])


def _table_format(line: str) -> str | None:
    delimiter = "\t" if "\t" in line else likely_delimiter([line])
    try:
        [cells] = csv.reader(io.StringIO(line), delimiter=delimiter)
    except (csv.Error, ValueError):
        return None
    if sum(DOCUMENTS.knows(cell) for cell in cells) < 2:
        return None
    return "tsv" if delimiter == "\t" else "csv"
