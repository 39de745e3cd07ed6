"""An engine's answers on how texts are cut into words, for comparison: `lucene_words.jsonl.gz`, and the texts for it.

    python -m tests.retrieval.bm25.lucene_words http://localhost:9200

writes the table with the answers of an Elasticsearch or OpenSearch (both use Lucene), for texts of all classes of
characters, categories and scripts. The script's own random numbers decide on the texts.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from resift.retrieval.bm25.word_classes import WORD_CLASSES
from scripts.write_word_classes import tokens_of

TABLE = Path(__file__).with_suffix(".jsonl.gz")
ANALYZERS = ("standard", "english", "whitespace")
PHRASES = (
    "km² CO₂ note¹ ½ ① aⓐ TM™ x²y₃",
    "so\u00adft hy\u00adphen\u00adation zero\u200bwidth no\u2060break",
    "İstanbul İ ı I DİYARBAKIR ΣΑΣ Σ ΟΔΥΣΣΕΥΣ σς ẞ ß ﬁ ǅ K Å",
    "O'Neill's O’NEILL’S peter＇s 'quoted' don''t e.g. U.S.A. 1,000.50 3:15 a:b a·b l·l x;y 1;2 ‘a’",
    'צ"ה ג\' א"א"א Tel-Aviv\'s foo_bar __init__ _ ___ a_1 ‿a﹍b snake_case_',
    "👩‍👩‍👧‍👦 👍🏽 ☝️ ☝🏻 1️⃣ #️⃣ *⃣ 🇩🇪🇫🇷🇺 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ⓂⓂ️ ℹ️ℹa ©®™ 〰 ㊗",
    "ภาษาไทย ๑๒๓ ลาว ພາສາລາວ ភាសាខ្មែរ မြန်မာ ᨠ 東京 々〆〇 ひらがな カタカナ ｶﾀｶﾅ 한국어 ㄱㄴ ﾊﾞ ゛ゝヽ",
    "٣٤٥ १२३ ১২৩ １２３ ³ Ⅷ ⅷ नमस्ते हिन्दी العربية می\u200cخواهم שלום мир ქართული ᲐᲑ ꭰ Ꭰ 𝐀𝟏 𐐀 𖤀",
    "a\u0301b \u0301 e\u0301\u200d x\ufe0fy ℵ₀ µm Ωm № ℡ ª º ʼn ŉ ʰ ˈ ˈa ㎏ ㏒ ㍿ Å … – — ‐‑ \u2028\u2029\x85\x0b\x1c",
)
"""Texts that people write, among them those for which the embedded analysis once differed."""


def texts(seed: int, count: int) -> list[str]:
    """Return PHRASES and `count` texts of one to nine random characters, many of them from the same few classes."""
    chosen = random.Random(seed)
    pools = _pools()
    made = list(PHRASES)
    for _ in range(count):
        own = chosen.sample(pools, chosen.randint(1, 4))
        made.append("".join(chosen.choice(chosen.choice(own)) for _ in range(chosen.randint(1, 9))))
    return [text.replace("\n", " ").replace("\r", " ") for text in made]


def _pools() -> list[Sequence[str]]:
    """Return sets of characters: the word-break classes, Unicode's categories, and the odd ones."""
    pools: list[Sequence[str]] = []
    for ranges in WORD_CLASSES.values():
        ends = [part.split("-") for part in ranges.split()]
        pools.append("".join(chr(code) for end in ends for code in (int(end[0], 16), int(end[-1], 16))))
    assigned = (chr(code) for code in itertools.chain(range(0x3000), range(0xA000, 0xAC00), range(0xF900, 0x10000)))
    by_category: dict[str, list[str]] = {}
    for character in assigned:
        by_category.setdefault(unicodedata.category(character), []).append(character)
    pools += [by_category[category] for category in sorted(by_category)]
    return [
        *pools,
        "abcXYZ",
        "0123456789",
        "'.,:;’\" ",
        "sSiİIıΣσς",
        "\u200d\ufe0f\ufe0e\u20e3",
        "🏻😀👩🇩🇪\U000e0067\U000e007f",
    ]


def answers(url: str, analysis: str | Mapping[str, object], texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield an engine's terms of each text; `analysis` is an analyzer's name, or the tokenizer and filters of one."""
    chain = {"analyzer": analysis} if isinstance(analysis, str) else analysis
    for start in range(0, len(texts), 500):
        for tokens in tokens_of(url, chain, texts[start : start + 500]):
            yield [token["token"] for token in tokens]


def stored() -> list[dict[str, object]]:
    """Return the table: rows with a text and its terms by analyzer."""
    with gzip.open(TABLE, "rt", encoding="ascii") as file:
        return [json.loads(line) for line in file]


def main() -> None:
    """Write the table with the answers of the engine whose URL is the first argument."""
    made = texts(seed=1, count=2500)
    columns = [list(answers(sys.argv[1], analyzer, made)) for analyzer in ANALYZERS]
    rows = (dict(zip(("text", *ANALYZERS), row, strict=True)) for row in zip(made, *columns, strict=True))
    body = "".join(json.dumps(row) + "\n" for row in rows)
    TABLE.write_bytes(gzip.compress(body.encode("ascii"), mtime=0))


if __name__ == "__main__":
    main()
