"""Read what a model's card, the README.md in its folder, states in its front matter: languages and licence."""

from __future__ import annotations

import re
from pathlib import Path

CARD = "README.md"
LONGEST_FRONT_MATTER = 65_536
"""Characters of a card that are read at most; the front matter is at its beginning."""

_LANGUAGE = re.compile(r"([a-z]{2,3})([-_][a-z0-9]+)*")
_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:\s+(.*)|)")


def read_card(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the front matter of the card in `folder`: each top-level key with its value, or with its list of values.

    Nested mappings are left out. A card that is missing, cannot be read or has no front matter is an empty mapping.
    """
    try:
        with (folder / CARD).open(encoding="utf-8-sig", errors="replace") as file:
            lines = file.read(LONGEST_FRONT_MATTER).splitlines()
    except OSError:
        return {}
    if not lines or lines[0].rstrip() != "---":
        return {}
    ends = next((place for place, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    return {} if ends is None else front_matter(lines[1:ends])


def front_matter(lines: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the top-level keys of YAML `lines` whose values are scalars or lists of scalars.

    >>> front_matter(["language: [en, 'no']", "tags:", "- a", "license: mit  # short"])
    {'language': ('en', 'no'), 'tags': ('a',), 'license': ('mit',)}
    """
    found: dict[str, tuple[str, ...]] = {}
    key = ""
    for line in lines:
        text = re.sub(r"(^|\s)#.*", "", line).rstrip()
        if match := _KEY.fullmatch(text):
            key, value = match[1], (match[2] or "").strip()
            found[key] = _values(value)
        elif key and text.lstrip().startswith("- "):
            found[key] += _values(text.lstrip()[2:])
    return {key: values for key, values in found.items() if values}


def language_codes(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ISO 639 codes among `names`, without their regions and in their order; other names are left out.

    >>> language_codes(("en", "zh-CN", "multilingual"))
    ('en', 'zh')
    """
    matches = (_LANGUAGE.fullmatch(name.lower()) for name in names)
    return tuple(dict.fromkeys(match[1] for match in matches if match))


def _values(text: str) -> tuple[str, ...]:
    """Return the scalars of one YAML value: of a list in brackets, or the value itself; nothing of a mapping."""
    listed = text[1:-1].split(",") if text.startswith("[") and text.endswith("]") else [text]
    plain = (part.strip().strip("'\"") for part in listed)
    return tuple(part for part in plain if part and not part.startswith(("{", "|", ">")) and ": " not in part)
