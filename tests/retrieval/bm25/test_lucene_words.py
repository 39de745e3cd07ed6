import pytest

from resift.retrieval.bm25.analysis import analyzer
from resift.retrieval.bm25.segmentation import is_word, words
from tests.retrieval.bm25.lucene_words import ANALYZERS, stored


@pytest.mark.parametrize("name", ANALYZERS)
def test_terms_of_texts_of_all_scripts_are_those_that_an_engine_gave(name: str) -> None:
    rows = stored()
    assert len(rows) > 2000
    ours = [(row["text"], analyzer(name)(str(row["text"]))) for row in rows]
    assert [pair for pair, row in zip(ours, rows, strict=True) if pair[1] != row[name]] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the engine's own answers, which the table also has
        ("km² CO₂ note¹ ½ ①", ["km", "co", "note"]),
        ("aⓐ TM™", ["aⓐ", "tm", "™"]),
        ("so\u00adft", ["so\u00adft"]),
        ("İ ΣΑΣ", ["i", "σασ"]),
        ("Ⓜ a\u24c2", ["\u24dc", "a\u24dc"]),
    ],
)
def test_superscripts_soft_hyphens_and_unusual_case_are_cut_as_lucene_does(text: str, expected: list[str]) -> None:
    assert analyzer("standard")(text) == expected


def test_language_with_its_own_lower_case_keeps_it() -> None:
    assert analyzer("turkish").words("I\u0307STANBUL İzmir ISPARTA") == ["istanbul", "izmir", "ısparta"]
    assert analyzer("irish").words("nAthair tÚll Nathair") == ["n-athair", "t-úll", "nathair"]
    assert analyzer("persian").words("می\u200cخواهم") == ["می", "خواهم"]


def test_turkish_suffix_after_an_apostrophe_is_taken_off_and_digits_of_arabic_are_those_of_ascii() -> None:
    assert analyzer("turkish")("Türkiye'de") == analyzer("turkish")("Türkiye")
    assert analyzer("arabic")("٣٤٥") == analyzer("hindi")("३४५") == analyzer("persian")("۳۴۵") == ["345"]
    assert analyzer("standard")("٣٤٥") == ["٣٤٥"]


@pytest.mark.parametrize("letter", ["q", "é", "𐐨"])
def test_long_word_is_cut_after_255_utf_16_units(letter: str) -> None:
    found = words(letter * 600)
    assert "".join(found) == letter * 600
    assert {len(word.encode("utf-16-le")) // 2 for word in found[:-1]} == {254 if letter > "\uffff" else 255}


def test_run_of_connectors_is_not_a_word() -> None:
    assert [word for word in words("__ _\u0301_ ‿ _a é_") if is_word(word)] == ["_a", "é_"]


@pytest.mark.parametrize(
    "unit", ["_\U0001f3fb", "\u200d", "😀\u200d", "1\u0301", '\u05d0"', "\u2139\u200d", "é:", "#\u0301"]
)
def test_hostile_text_is_cut_without_quadratic_steps(unit: str) -> None:
    # quadratic steps would take many minutes
    text = "é " + unit * 20_000
    assert sum(map(len, words(text))) <= len(text)
