"""Which fields of an index are searched and read, by their names and samples of their texts."""

from __future__ import annotations

import pytest

from resift.retrieval.engine.field_choice import Choice, choose, is_obvious

PROSE = "Simmer the lentils with cumin and an onion until they are soft."
GERMAN = "Die Linsen mit Zwiebeln und Salz kochen, bis sie weich sind, und dann auf den Tisch stellen."


@pytest.mark.parametrize(
    "name",
    "author author_name article.author.name comments.text userName tags keywords source_url canonicalUrl doi "
    "document_id file.path lang content_type sender".split(),
)
def test_fields_about_a_document_are_left_out_by_their_names(name: str) -> None:
    assert choose({name: [PROSE], "body": [PROSE]}).left_out == {name: "by its name"}


@pytest.mark.parametrize("name", "abstract article.body product_name ingredients message chapter_text idea".split())
def test_other_fields_of_prose_are_used(name: str) -> None:
    assert choose({name: [PROSE], "body": [PROSE]}).used == (name, "body")


def test_ids_and_short_values_are_left_out_beside_prose_and_titles_kept() -> None:
    samples = {
        "body": [PROSE],
        "headline": ["Soup"],
        "ref": ["A-17", "b/22", "https://example.org/x"],
        "brand": ["Acme", "Old Mill"],
        "origin": ["South of France, near the sea", "Peru"],
    }
    choice = choose(samples)
    assert choice.used == ("body", "headline", "origin") and choice.title() == "headline"
    assert choice.left_out == {"ref": "ids or addresses", "brand": "short values"}
    assert choice.describe() == "ref (ids or addresses); brand (short values)"


def test_without_prose_short_values_are_all_that_is_searched() -> None:
    assert choose({"brand": ["Acme"], "colour": ["dark red"]}).used == ("brand", "colour")


def test_a_field_in_a_script_without_spaces_is_prose() -> None:
    chinese = "小火煮扁豆,加入孜然和洋葱,直到变软。"
    assert choose({"brand": ["Acme"], "main": [chinese]}).left_out == {"brand": "short values"}


def test_if_nothing_would_be_left_everything_is_used() -> None:
    assert choose({"author": ["Ada"], "tags": ["soup"]}) == Choice(("author", "tags"))


def test_fields_without_samples_are_chosen_by_their_names() -> None:
    assert choose({"author": [], "body": [], "x": []}).used == ("body", "x")


def test_of_several_languages_those_of_the_model_are_used() -> None:
    samples = {"body": [PROSE], "body_de": [GERMAN], "text": [GERMAN], "title_de": ["Suppe"], "name": ["Soup"]}
    choice = choose(samples, ["en"])
    assert choice.used == ("body", "name") and set(choice.left_out.values()) == {"German"}
    assert choose(samples, ["de"]).left_out == {"body": "English"}
    both = choose(samples, ["fr"])
    assert (
        len(both.used) == 5 and "body_de (German)" in both.mixed() and choose(samples, ["en", "de"]).used == both.used
    )


def test_a_language_in_the_name_counts_only_if_the_texts_do_not_say_otherwise() -> None:
    assert choose({"body": [PROSE], "body_de": [PROSE]}, ["en"]).used == ("body", "body_de")
    assert choose({"body": [PROSE], "body_is_new": ["x y z w v u"], "de_body": ["Suppe"]}, ["en"]).used == (
        "body",
        "body_is_new",
    )


def test_titles_in_two_languages_are_no_title() -> None:
    assert Choice(("title_de", "title_en")).title() == "" and Choice(("body", "title_en")).title() == "title_en"
    assert Choice(("title", "title_en")).title() == "title"


def test_fields_with_usual_names_need_no_sample() -> None:
    assert is_obvious(["body", "title"]) and not is_obvious(["body", "shelf"])
