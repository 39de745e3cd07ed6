"""The embedded analyzers compared with an engine's, on texts that the stored table does not have."""

import urllib.error

import pytest

from resift.retrieval.bm25.analysis import analyzer
from resift.retrieval.bm25.segmentation import is_word
from resift.retrieval.bm25.settings import LANGUAGES
from tests.retrieval.bm25.lucene_words import ANALYZERS, answers, texts

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("name", ANALYZERS)
def test_terms_of_texts_of_all_scripts_are_those_of_the_engine(engine: str, name: str) -> None:
    made = texts(seed=2, count=3000)
    theirs = answers(engine, name, made)
    different = [
        (text, own, ours) for text, own in zip(made, theirs, strict=True) if (ours := analyzer(name)(text)) != own
    ]
    assert different == []


OWN_FILTERS = {
    "turkish": {"type": "lowercase", "language": "turkish"},
    "irish": {"type": "lowercase", "language": "irish"},
}
BASIC_PLANE = "".join(map(chr, range(0x20, 0x500))) + "\u0e01\u0e31\u1ec7\u200c\u200d\u2122\u24c2\u2019\u3042\u4e00"
"""Characters of many classes; Lucene's Irish filter does not lower the case of characters beyond the basic plane."""


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"whitespace", "persian"}))
def test_words_of_every_language_are_those_of_the_engine(engine: str, language: str) -> None:
    made = [text for text in texts(seed=3, count=400) if text.isascii() or max(text) < "\U00010000"]
    made += [BASIC_PLANE[start : start + 7] for start in range(0, len(BASIC_PLANE), 3)]
    made += ["nAthair tÉ", "I\u0307stanbul IİıI"]
    chain = {"tokenizer": "standard", "filter": [OWN_FILTERS.get(language, "lowercase")]}
    if language in OWN_FILTERS and [*answers(engine, chain, ["nAthair I"])] == [["nathair", "i"]]:
        pytest.skip("this engine has no lower case of its own for the language")
    theirs = list(answers(engine, chain, made))
    ours = [list(filter(is_word, analyzer(language).words(text))) for text in made]
    assert [row for row in zip(made, theirs, ours, strict=True) if row[1] != row[2]] == []


def test_terms_of_russian_whose_stemmer_lucene_has_too_are_those_of_the_engine(engine: str) -> None:
    made = texts(seed=4, count=1500)
    try:
        theirs = list(answers(engine, "russian", made))
    except urllib.error.HTTPError as error:
        pytest.skip(f"this engine has no Russian analyzer: {error}")
    ours = [analyzer("russian")(text) for text in made]
    assert [row for row in zip(made, theirs, ours, strict=True) if row[1] != row[2]] == []
