"""Read corpora in TREC's tagged text, as a stream."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import closing

from resift.indexer.corpora.lines import Line, numbered_lines
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.record import Record
from resift.indexer.corpora.settings import CorpusSettings

_FIELD = re.compile(r"<(TITLE|HEADLINE|HL|TTL|TEXT|BODY)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_DOCNO = re.compile(r"<DOCNO>([^<]*)</DOCNO>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


def read_trec(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each <DOC> … </DOC>: DOCNO as the id, TITLE or HEADLINE, and the rest of the text.

    Raises CorpusError as `open_bytes` does.
    """
    with closing(numbered_lines(path, settings.encoding, reading)) as lines:
        yield from _tagged_records(lines, path)


def _tagged_records(lines: Iterable[Line], path: str) -> Iterator[Record]:
    block: list[str] = []
    start, bad = 0, (0, "")
    for number, line, problem in lines:
        bare = line.strip().upper()
        if block and bare.startswith("<DOC>"):
            yield Record(path, start, {}, "<DOC> without </DOC> before the next <DOC>", block[0])
            block = []
        if not block and not bare.startswith("<DOC>"):
            if bare or problem:
                outside = "text outside <DOC> … </DOC>; expected TREC documents"
                yield Record(path, number, {}, problem or outside, line[:500])
            continue
        start, bad = (start, bad) if block else (number, (0, ""))
        bad = (number, problem) if problem and not bad[1] else bad
        block.append(line)
        if bare.endswith("</DOC>"):
            yield Record(path, bad[0], {}, bad[1], block[0]) if bad[1] else _trec_record(path, start, block)
            block = []
    if block:
        yield Record(path, start, {}, "<DOC> without </DOC>; the file ends inside it", block[0])


def _trec_record(path: str, line: int, lines: list[str]) -> Record:
    block = "\n".join(lines)
    docno = _DOCNO.search(block)
    if docno is None:
        return Record(path, line, {}, "a <DOC> without <DOCNO>; expected an id", block[:500])
    if lines[0].upper().count("<DOC>") > 1:
        return Record(path, line, {}, "two <DOC> in one line; expected each on its own line", block[:500])
    parts: dict[str, list[str]] = {"title": [], "text": []}
    for tag, content in _FIELD.findall(block):
        parts["text" if tag.upper() in ("TEXT", "BODY") else "title"].append(_without_tags(content))
    if not parts["text"]:
        parts["text"].append(_without_tags(_FIELD.sub(" ", _DOCNO.sub(" ", block))))
    return Record(
        path, line, {"id": docno.group(1).strip(), "title": " ".join(parts["title"]), "text": "\n".join(parts["text"])}
    )


def _without_tags(content: str) -> str:
    lines = (" ".join(line.split()) for line in _TAG.sub(" ", content).splitlines())
    return "\n".join(line for line in lines if line)
