"""Read the front matter of a Markdown file: a block of YAML between `---`, or of TOML between `+++`, at its beginning.

Of YAML, what front matter usually has is read: scalars, quoted or not, over one line or several, and lists of them.
Other values (mappings, anchors, lists of lists) are kept as their text. All scalars stay texts, so that a date, a
number or a version is written as in the file, and a field has the same type in all documents.
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass, field

_BEGIN = re.compile(r"(---|\+\+\+)[ \t]*\r?\n")
_END = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*\r?(?:\n|\Z)", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*\r?(?:\n|\Z)", re.MULTILINE),
}
_KEY = re.compile(r"""(?:"([^"\\]{1,80})"|'([^']{1,80})'|([\w@$.][\w@$. /()+-]{0,79}?))[ \t]*:(?:[ \t]+(.*))?""")
_ITEM = re.compile(r"([ \t]*)-(?:[ \t]+(.*))?")
_BLOCK = re.compile(r"[|>][-+0-9]{0,2}(?:[ \t]+#.*)?")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*")
_MEMBER = re.compile(
    r"""[ \t]*+("(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'|[^\s,\[\]{}"'#&*!|>%@`][^,\[\]{}]*+|)[ \t]*+(?:,|\Z)"""
)
_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(slots=True)
class _Entry:
    """A key of YAML, what follows it in its line, and the lines that belong to it."""

    key: str
    rest: str
    more: list[str] = field(default_factory=list)
    unclosed: int = 0  # brackets


def split_front_matter(content: str) -> tuple[dict[str, str | list[str]], str]:
    r"""Return the keys of the front matter of `content` with their values, and the rest of `content`.

    A block whose lines are not YAML's or TOML's, or that does not end, is text, such as a text that begins with a
    horizontal rule. Keys without a value are left out.

    >>> split_front_matter("---\ntags: [a, 'b, c']\n---\nwords")
    ({'tags': ['a', 'b, c']}, 'words')
    >>> split_front_matter("---\nSome words.\n---\nMore.")
    ({}, '---\nSome words.\n---\nMore.')
    """
    begin = _BEGIN.match(content)
    end = _END[begin[1]].search(content, begin.end()) if begin else None
    if begin is None or end is None:
        return {}, content
    block = content[begin.end() : end.start()]
    found = _yaml(block.splitlines()) if begin[1] == "---" else _toml(block)
    return ({}, content) if found is None else (found, content[end.end() :])


def _toml(block: str) -> dict[str, str | list[str]] | None:
    """Return the values of TOML; None if `block` is not TOML. A table is kept as JSON."""
    import tomllib

    try:
        values = tomllib.loads(block.replace("\r\n", "\n"), parse_float=str)
    except (ValueError, RecursionError):
        return None
    return {key: _toml_value(value) for key, value in values.items()}


def _toml_value(value: object) -> str | list[str]:
    if isinstance(value, list) and not any(isinstance(member, list | dict) for member in value):
        return [_toml_scalar(member) for member in value]
    return _toml_scalar(value)


def _toml_scalar(value: object) -> str:
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False, default=_toml_scalar)
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if callable(isoformat) else value)


def _yaml(lines: list[str]) -> dict[str, str | list[str]] | None:
    """Return the values of YAML; None if `lines` are not a mapping."""
    entries: list[_Entry] = []
    for line in map(str.rstrip, lines):
        last = entries[-1] if entries else None
        if last is not None and _belongs(line, last):
            last.more.append(line)
            last.unclosed += _opened(line) if last.unclosed > 0 else 0
        elif line and not line.startswith("#"):
            key = _KEY.fullmatch(line)
            if key is None:
                return None
            rest = (key[4] or "").strip()
            rest = rest if rest.startswith(("'", '"')) else _COMMENT.sub("", rest).strip()
            entries.append(_Entry(key[1] or key[2] or key[3], rest))
            entries[-1].unclosed = _opened(rest) if rest.startswith(("[", "{")) else 0
    if not entries and any(line.strip() for line in lines):
        return None
    values = {entry.key: _value(entry) for entry in entries}
    return {key: value for key, value in values.items() if value is not None}


def _belongs(line: str, last: _Entry) -> bool:
    """Return whether a line belongs to the value of the key before it."""
    return not line or last.unclosed > 0 or line[0] in " \t" or (not last.rest and bool(_ITEM.fullmatch(line)))


def _opened(line: str) -> int:
    return line.count("[") + line.count("{") - line.count("]") - line.count("}")


def _value(entry: _Entry) -> str | list[str] | None:
    """Return the value of a key; None if it has none."""
    rest, more = entry.rest, entry.more
    written = textwrap.dedent("\n".join(more)).strip("\n")
    if _BLOCK.fullmatch(rest):
        folded = re.sub(r"(?<!\n)\n(?!\n)", " ", written)
        return (written if rest[0] == "|" else re.sub(r"\n\n", "\n", folded)).strip() or None
    lines = [line for line in more if line.strip() and not line.lstrip().startswith("#")]
    if not rest:
        if not lines:
            return None
        members = _block_list(lines)
        return written.strip() if members is None else members
    joined = " ".join([rest, *(line.strip() for line in lines)])
    if rest.startswith("["):
        members = _flow_list(_COMMENT.sub("", joined).strip())
        return "\n".join([rest, *more]).strip() if members is None else members
    scalar = _scalar(joined)
    return None if joined in _NULLS or scalar == "" else scalar or joined


def _block_list(lines: list[str]) -> list[str] | None:
    """Return the scalars of a list with one `-` per line; None if it is not one."""
    items = [_ITEM.fullmatch(line) for line in lines]
    if None in items or len({item[1] for item in items if item}) > 1:
        return None
    return _scalars([item[2] or "" for item in items if item])


def _flow_list(text: str) -> list[str] | None:
    """Return the scalars of a list in brackets; None if it is not one."""
    if not text.endswith("]"):
        return None
    inner, place = text[1:-1], 0
    members: list[str] = []
    while place < len(inner):
        member = _MEMBER.match(inner, place)
        if member is None:
            return None
        members.append(member[1].strip())
        place = member.end()
    return _scalars(members)


def _scalars(members: list[str]) -> list[str] | None:
    """Return the values of scalars without those that are empty; None if one is a mapping, a list or another value."""
    values: list[str] = []
    for member in members:
        plain = not member.startswith(("'", '"'))
        text = _COMMENT.sub("", member).strip() if plain else member
        scalar = _scalar(text)
        nested = plain and (text.startswith(("[", "{", "&", "*", "!", "|", ">", "- ")) or ": " in f"{text} ")
        if scalar is None or nested:
            return None
        values += [] if plain and text in _NULLS else [scalar]
    return values


def _scalar(text: str) -> str | None:
    """Return the value of a scalar, without its quotes; None if it has quotes that do not end with it."""
    quote = text[:1]
    if quote not in ("'", '"') or not quote:
        return text
    inside = re.match(r"\"((?:[^\"\\]|\\.)*+)\"|'((?:[^']|'')*+)'", text)
    if inside is None or _COMMENT.sub("", text[inside.end() :]).strip():
        return None
    if quote == "'":
        return inside[2].replace("''", "'")
    try:
        return str(json.loads(f'"{inside[1]}"', strict=False))
    except ValueError:
        return inside[1]
