"""The doctor's alarms that a model does not fit the texts, and its checks of a mapping without any way in."""

from __future__ import annotations

import pytest

from tests.engine.doctored import Diagnosis, diagnosis
from tests.engine.searching import Fill

pytestmark = pytest.mark.engine

GERMAN = [
    "Die Katzen fressen am liebsten Fisch, und die Hunde bellen in der Nacht.",
    "Der Regen in den Bergen hört vor dem Abend auf, und die Sonne kommt wieder.",
    "Das Essen ist fertig, und der Tisch ist für die Gäste gedeckt.",
]
ENGLISH = [
    "Cats live on meat and fish, and what they eat first is the fish.",
    "The rain in the mountains will end before the night, and then it is dry.",
    "Simmer the red lentils for an hour, then eat the soup with the bread.",
]


def fit(target: str, *options: str) -> Diagnosis:
    return diagnosis(target, *options, model="resift-tiny")


def articles(texts: list[str]) -> dict[str, dict[str, object]]:
    return {str(place): {"title": " ".join(text.split()[:4]), "text": text} for place, text in enumerate(texts)}


def test_texts_that_fit_raise_no_alarm(filled: Fill) -> None:
    found = fit(filled(articles(ENGLISH)))
    assert found.outcome("way in", "way in") == "not checked" and found.code == 0
    assert "resift plan" in found.said("way in", "way in")
    for check in ("language", "cut documents", "unknown tokens"):
        assert found.outcome("fit", check) == "works", found.said("fit", check)
    assert found.outcome("mapping", "field") == "works"


def test_german_texts_for_an_english_model_are_noticed(filled: Fill) -> None:
    found = fit(filled(articles(GERMAN)))
    assert found.outcome("fit", "language") == "warning"
    said = found.said("fit", "language")
    assert "the texts are German" in said and "resift-tiny reads English" in said and "resift models" in said


def test_texts_that_are_longer_than_the_model_reads_are_noticed(filled: Fill) -> None:
    found = fit(filled(articles([f"{text} " * 60 for text in ENGLISH])))
    assert found.outcome("fit", "cut documents") == "warning"
    assert "3 of 3 documents" in found.said("fit", "cut documents") and "passages" in found.said("fit", "cut documents")


def test_signs_that_the_model_does_not_know_are_noticed(filled: Fill) -> None:
    found = fit(filled(articles(["🦊🐻🐼 🍕🍔 🚀", "🐻🐼🦊 🍔 🚀🍕", "𓀀𓁀 𓂀𓃀 🦊"])))
    assert found.outcome("fit", "unknown tokens") == "warning"
    assert "multilingual" in found.said("fit", "unknown tokens")


def test_equal_texts_hardly_differ_in_their_scores(filled: Fill) -> None:
    found = fit(filled(articles([ENGLISH[0]] * 4)))
    assert found.outcome("fit", "scores") == "warning"
    assert "hardly differ" in found.said("fit", "scores")
    assert found.outcome("fit", "change") == "warning"


def test_an_index_without_texts_is_reported_and_not_scored(filled: Fill) -> None:
    found = fit(filled({"1": {"n": 1}, "2": {"n": 2}}))
    assert {row["outcome"] for (group, _), row in found.rows.items() if group == "fit"} == {"not checked"}
    assert found.outcome("mapping", "field") == "broken"


@pytest.mark.parametrize("engine", ["elasticsearch"], indirect=True)
def test_a_wrong_field_of_the_retriever_is_found_on_elasticsearch(filled: Fill) -> None:
    target = filled(articles(ENGLISH))
    wrong = diagnosis(target, "--rerank-field", "txet")
    right = diagnosis(target, "--rerank-field", "text")
    assert wrong.outcome("mapping", "field") == "broken" and wrong.code == 1
    assert "did you mean text?" in wrong.said("mapping", "field")
    assert right.outcome("mapping", "field") == "works"


@pytest.mark.parametrize("engine", ["elasticsearch"], indirect=True)
def test_queries_of_a_file_are_tried_instead_of_made_ones(filled: Fill, tmp_path: object) -> None:
    target = filled(articles(ENGLISH))
    file = f"{tmp_path}/queries.txt"
    with open(file, "w", encoding="utf-8") as written:
        written.write("zzz\nyyy\n")
    found = fit(target, "--queries", file)
    assert found.outcome("fit", "change") == "not checked"
