from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import bm25s.stopwords
import pytest
import Stemmer
from hypothesis import given
from hypothesis import strategies as st

from resift.retrieval.bm25.analysis import ENGLISH_STOP_WORDS, analyzer, stop_words
from resift.retrieval.bm25.segmentation import words
from resift.retrieval.bm25.settings import LANGUAGES
from resift.retrieval.errors import SettingsError


def test_sentence_of_elasticsearch_documentation_is_cut_like_the_standard_tokenizer() -> None:
    # https://www.elastic.co/guide/en/elasticsearch/reference/current/analysis-standard-tokenizer.html
    text = "The 2 QUICK Brown-Foxes jumped over the lazy dog's bone."
    assert words(text) == ["The", "2", "QUICK", "Brown", "Foxes", "jumped", "over", "the", "lazy", "dog's", "bone"]


def test_sentence_of_elasticsearch_documentation_gives_the_terms_of_the_english_analyzer() -> None:
    # https://www.elastic.co/guide/en/elasticsearch/reference/current/analysis-lang-analyzer.html#english-analyzer
    text = "The 2 QUICK Brown-Foxes jumped over the lazy dog's bone."
    assert analyzer("english")(text) == ["2", "quick", "brown", "fox", "jump", "over", "lazi", "dog", "bone"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # UAX #29, table 4 and its examples
        ("The quick (“brown”) fox can’t jump 32.3 feet, right?", "The quick brown fox can’t jump 32.3 feet right"),
        ("1,000.50 3a a3 foo_bar e.g. U.S.A.", "1,000.50 3a a3 foo_bar e.g U.S.A"),
        ("a.5 5.a a,b 1:2", "a 5 5 a a b 1 2"),
        ("'quoted' don''t", "quoted don t"),
        ("東京 ひら カタカナ 한국어", "東 京 ひ ら カタカナ 한국어"),
        ("नमस्ते שלום мир café ภาษา", "नमस्ते שלום мир café ภาษา"),
        ("go👍🏽 👩‍🚀🇩🇪🇫🇷 1️⃣", "go 👍🏽 👩‍🚀 🇩🇪 🇫🇷 1️⃣"),
        ("a\ud800b \x00 \u200b …", "a b"),
    ],
)
def test_words_are_split_by_uax_29(text: str, expected: str) -> None:
    assert words(text) == expected.split()


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_pattern_splits_like_the_full_pattern(text: str) -> None:
    assert words(text) == words(f"é {text}")[1:]


@pytest.mark.parametrize("word", ["Peter's", "PETER’S", "peter＇s"])
def test_possessive_is_taken_off_with_every_apostrophe(word: str) -> None:
    assert analyzer("english")(word) == ["peter"]


def test_all_of_lucenes_33_stop_words_are_left_out() -> None:
    assert len(ENGLISH_STOP_WORDS) == 33
    assert analyzer("english")(" ".join(ENGLISH_STOP_WORDS).title() + " It's") == []


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        # Porter 1980, "An algorithm for suffix stripping", one example per step
        ("caresses", "caress"),
        ("ponies", "poni"),
        ("motoring", "motor"),
        ("happy", "happi"),
        ("relational", "relat"),
        ("formative", "form"),
        ("adjustable", "adjust"),
        ("controlling", "control"),
        # Porter's changes, which Lucene's PorterStemmer has as well
        ("technology", "technolog"),
        ("possibly", "possibl"),
        ("incredibly", "incred"),
        ("us", "us"),
    ],
)
def test_english_stems_are_those_of_lucenes_porter_stemmer(word: str, stem: str) -> None:
    assert analyzer("english")(word) == [stem]


def test_german_leaves_out_its_stop_words_and_folds_plurals() -> None:
    assert analyzer("german")("Der Hund und die Häuser") == ["hund", "haus"]


def test_french_and_italian_elide_their_articles() -> None:
    assert analyzer("french")("L'avion qu’il") == ["avion"]
    assert analyzer("italian")("dell'arte") == ["arte"]


def test_turkish_lowers_its_two_letters_i() -> None:
    assert analyzer("turkish").words("ISPARTA İzmir") == ["ısparta", "izmir"]


def test_standard_only_lowers_and_whitespace_only_splits() -> None:
    assert analyzer("standard")("The Dogs, running") == ["the", "dogs", "running"]
    assert analyzer("whitespace")("The Dogs, running") == ["The", "Dogs,", "running"]


@pytest.mark.parametrize("language", "danish dutch french german italian norwegian portuguese russian spanish".split())
def test_language_with_a_stop_list_leaves_all_of_it_out(language: str) -> None:
    assert len(stop_words(language)) > 90
    assert analyzer(language)(" ".join(sorted(stop_words(language)))) == []


@pytest.mark.skipif(version("bm25s") != "0.3.16", reason="the stop words were copied from bm25s 0.3.16")
@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"english"}))
def test_stop_words_are_those_of_bm25s(language: str) -> None:
    assert stop_words(language) == frozenset(getattr(bm25s.stopwords, f"STOPWORDS_{language.upper()}", ()))


def test_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"'klingon' is not known; expected one of arabic, .*english.*whitespace"):
        analyzer("klingon")


def test_languages_are_those_of_the_stemmer_and_two_without_stemming() -> None:
    porters = {"porter", "dutch_porter"}  # other algorithms for English and Dutch, not languages
    assert sorted(LANGUAGES) == sorted({*Stemmer.algorithms(), "standard", "whitespace"} - porters)


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text(st.characters(exclude_categories=[])))
def test_any_text_in_any_language_gives_the_same_terms_each_time(language: str, text: str) -> None:
    terms = analyzer(language)(text)
    assert all(terms)
    assert analyzer(language)(text) == terms


def test_word_of_a_million_letters_gives_terms_of_bounded_length() -> None:
    assert {len(term) for term in analyzer("english")("q" * 1_000_000)} == {255, 1_000_000 % 255}


def test_threads_that_share_an_analyzer_get_the_same_terms_as_one_thread() -> None:
    texts = [" ".join(f"running{letter}{number}s" for number in range(200)) for letter in "abcdefgh"]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(analyzer("english"), texts * 4))
    assert together == [analyzer("english")(text) for text in texts * 4]
