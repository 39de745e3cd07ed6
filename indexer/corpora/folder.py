"""Read a folder of text, Markdown or HTML files: one document per file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.records import Record
from resift.indexer.corpora.settings import CorpusSettings
from resift.retrieval.errors import CorpusError

KINDS = {
    ".txt": "text",
    ".text": "text",
    ".rst": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".htm": "html",
    ".html": "html",
}
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(?:(.*?)\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(\S.*)$", re.MULTILINE)
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(\S.*)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_FENCES = ("```", "~~~")
_TAG = re.compile(r"<[^<>]*>")
_NOT_TEXT = ("script", "style", "template", "noscript", "title")


def read_folder(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each text, Markdown or HTML file below `path`, in the order of their paths.

    The id is the path relative to the folder, with slashes; the title comes from the front matter, the first heading
    or the HTML page. Hidden files and folders are ignored; files with another extension are left out and counted.
    Raises CorpusError if no file can be read as a document.
    """
    root, found, others = Path(path), False, 0
    if not root.is_dir():
        raise CorpusError(f"{'is not a folder' if root.exists() else 'does not exist'}; expected a folder", path)
    files = sorted(root.rglob("*"))
    for number, file in enumerate(files, start=1):
        if reading is not None:
            reading.count(number, len(files))
        inside = file.relative_to(root)
        if any(part.startswith(".") for part in inside.parts) or not file.is_file():
            continue
        if file.suffix.lower() not in KINDS:
            others += 1
            what = f"{file.suffix.lower()} files" if file.suffix else "files without an extension"
            yield Record(str(file), None, {}, f"{what} are not read", inside.as_posix(), ignored=True)
            continue
        found = True
        yield _record(file, inside.as_posix(), settings)
    if not found:
        kinds = ", ".join(sorted(KINDS))
        raise CorpusError(
            f"has no files of the types {kinds} ({others} other files); expected at least one, or corpus.jsonl",
            path,
        )


def _record(file: Path, doc_id: str, settings: CorpusSettings) -> Record:
    try:
        raw = file.read_bytes()
        content = raw.decode(settings.encoding).removeprefix("\ufeff")
    except OSError as error:
        return Record(str(file), None, {}, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        where = raw.count(b"\n", 0, error.start) + 1
        return Record(
            str(file),
            where,
            {},
            f"byte {error.start + 1} is not {settings.encoding}; name the right one with `encoding`",
        )
    except UnicodeError as error:  # codecs such as idna do not report a position
        return Record(str(file), None, {}, f"is not {settings.encoding} ({error}); name the right one with `encoding`")
    if "\0" in content:
        return Record(str(file), None, {}, "contains NUL bytes; expected text")
    kind = KINDS[file.suffix.lower()]
    title, text = {"text": _text, "markdown": _markdown, "html": _html}[kind](content)
    return Record(str(file), None, {"id": doc_id, "title": title, "text": text, "path": doc_id})


def _text(content: str) -> tuple[str, str]:
    return "", content.strip()


def _markdown(content: str) -> tuple[str, str]:
    front = _FRONT_MATTER.match(content)
    body = content[front.end() :] if front else content
    named = _FRONT_TITLE.search(front.group(1) or "") if front else None
    if named:
        return named.group(1).strip().strip("\"'"), body.strip()
    lines = body.splitlines()
    title, start, end = _first_heading(lines)
    return title, "\n".join([*lines[:start], *lines[end:]]).strip()


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
        if line.strip() and place + 1 < len(lines) and _UNDERLINE.fullmatch(lines[place + 1]):
            return line.strip(), place, place + 2
    return "", 0, 0


def _html(content: str) -> tuple[str, str]:
    from bs4 import BeautifulSoup
    from bs4.builder import ParserRejectedMarkup

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bs4 warns about pages that look like XML or like a file name
            page = BeautifulSoup(content, "html.parser")
    except (ParserRejectedMarkup, RecursionError, AssertionError, ValueError):  # pages that the parser rejects
        return "", unescape(_TAG.sub(" ", content)).strip()
    headings = (" ".join(tag.get_text(" ").split()) for tag in (page.title, page.h1) if tag is not None)
    title = next((heading for heading in headings if heading), "")
    for tag in page(_NOT_TEXT):
        if not tag.decomposed:  # already, together with an enclosing tag
            tag.decompose()
    lines = (" ".join(line.split()) for line in page.get_text("\n").splitlines())
    return title, "\n".join(line for line in lines if line)
