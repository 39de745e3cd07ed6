"""Write `retrieval/bm25/word_classes.py`: the class of each character, as Lucene's standard tokenizer sees it.

    shared/engines/engine start elasticsearch --port 9200
    python -m scripts.write_word_classes http://localhost:9200

Each character is sent in a few contexts; where the tokenizer cuts there shows its class. So the table has exactly the
characters of the Unicode version that Lucene uses, whichever version this Python has.
"""

from __future__ import annotations

import json
import sys
import textwrap
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

CONTEXTS = ("{}", "a{}", "a{}a", "1{}1", "ア{}ア", "a{}ア", "{}'", "{}🇦", "{}\u20e3")
BY_TYPE = {"<HANGUL>": "letter", "<KATAKANA>": "katakana", "<IDEOGRAPHIC>": "ideograph", "<HIRAGANA>": "ideograph"}
BY_CHARACTER = {
    "'": "single_quote",
    '"': "double_quote",
    "\u200d": "joiner",
    "\ufe0e": "selector",
    "\ufe0f": "selector",
}
HEADER = '''\
"""The classes of characters by which `segmentation` splits words; `scripts/write_word_classes.py` writes them."""

from __future__ import annotations

WORD_CLASSES = {
'''
FOOTER = '''}
"""Class -> its characters, as ranges of hexadecimal code points; a character in none of them is not part of a word."""
'''
BATCH = 2000
Token = tuple[int, str]


def analyzed(url: str, texts: list[str]) -> Iterator[list[Token]]:
    """Yield for each text its tokens: the length in UTF-16 units, and the type."""
    for found in tokens_of(url, {"tokenizer": "standard"}, texts):
        yield [(token["end_offset"] - token["start_offset"], token["type"]) for token in found]


def tokens_of(url: str, chain: Mapping[str, object], texts: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield for each text the tokens of an engine's `_analyze`; `chain` names an analyzer, or a tokenizer and filters.

    All texts are analyzed in one request, each on a line of its own.
    """
    body = json.dumps({**chain, "text": "\n".join(texts)}).encode()
    request = urllib.request.Request(f"{url}/_analyze", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        tokens = json.load(response)["tokens"]
    end, position = -1, 0
    for text in texts:
        end += len(text.encode("utf-16-le")) // 2 + 1
        found = []
        while position < len(tokens) and tokens[position]["start_offset"] < end:
            found.append(tokens[position])
            position += 1
        yield found


def class_of(character: str, found: dict[str, list[Token]]) -> str | None:
    """Return the class of a character, from the tokens that were found in each context."""
    if character in BY_CHARACTER:
        return BY_CHARACTER[character]
    joined = {context: len(found[context]) == 1 for context in CONTEXTS}
    if not found["{}"]:
        return _class_without_token(found, joined)
    kind = found["{}"][0][1]
    if kind == "<ALPHANUM>":
        return "hebrew" if found["{}'"][0][0] == found["{}"][0][0] + 1 else "letter"
    if kind == "<EMOJI>":
        return "modifier" if joined["ア{}ア"] else "emoji_letter" if joined["a{}a"] else "emoji"
    if kind == "<SOUTHEAST_ASIAN>":
        return "complex_mark" if joined["a{}a"] else "complex"
    if kind == "<NUM>":
        return "digit" if found["{}\u20e3"][0][1] == "<EMOJI>" else "number"
    return BY_TYPE[kind]


def _class_without_token(found: dict[str, list[Token]], joined: dict[str, bool]) -> str | None:
    if found["{}🇦"]:
        return "regional"
    if found["{}\u20e3"]:
        return "keycap"
    for context, name in (("a{}ア", "connector"), ("ア{}ア", "mark")):
        if joined[context]:
            return name
    return {(True, True): "mid_both", (True, False): "mid_letter", (False, True): "mid_number"}.get(
        (joined["a{}a"], joined["1{}1"])
    )


def classes(url: str) -> dict[str, list[int]]:
    """Return class -> its code points in order; all planes but the ones for private use and without characters."""
    found: dict[str, list[int]] = {}
    codes = [code for code in [*range(0x32400), *range(0xE0000, 0xE0200)] if not 0xD800 <= code < 0xE000]
    for batch in _batches(codes):
        characters = [chr(code) for code in batch]
        columns = [list(analyzed(url, [context.format(c) for c in characters])) for context in CONTEXTS]
        for code, *tokens in zip(batch, *columns, strict=True):
            name = class_of(chr(code), dict(zip(CONTEXTS, tokens, strict=True)))
            if name:
                found.setdefault(name, []).append(code)
    return found


def _batches(codes: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(codes), BATCH):
        yield codes[start : start + BATCH]


def ranges(codes: list[int]) -> str:
    """Return ascending code points as ranges.

    >>> ranges([65, 66, 67, 170])
    '41-43 aa'
    """
    parts: list[list[int]] = []
    for code in codes:
        if parts and parts[-1][-1] == code - 1:
            parts[-1] = [parts[-1][0], code]
        else:
            parts.append([code])
    return " ".join("-".join(f"{code:x}" for code in part) for part in parts)


def main() -> None:
    """Write the table from the answers of the engine whose URL is the first argument."""
    lines = [HEADER]
    for name, codes in sorted(classes(sys.argv[1].rstrip("/")).items()):
        rows = textwrap.wrap(ranges(codes), 108, break_on_hyphens=False)
        texts = [f'        "{row} "\n' for row in rows[:-1]] + [f'        "{rows[-1]}"\n']
        lines.append(
            f'    "{name}": "{rows[0]}",\n' if len(rows) == 1 else f'    "{name}": (\n{"".join(texts)}    ),\n'
        )
    path = Path(__file__).parents[1] / "retrieval" / "bm25" / "word_classes.py"
    path.write_text("".join([*lines, FOOTER]), encoding="utf-8")


if __name__ == "__main__":
    main()
