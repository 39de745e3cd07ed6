"""`resift search`: words without quotes, scores that mean something, further fields, and forms that exclude each other."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.cli.output import to_json
from tests.rerank.cli.invoke import assert_one_line, invoke

DOCUMENTS = [
    {"id": "d1", "title": "Soup", "text": "Simmer red lentils.", "url": "https://a.example/1", "sku": 7, "tags": ["a"]},
    {"id": "d2", "title": "Bowls", "text": "Four bowls for soup.", "by": {"name": "Ann"}},
    {"id": "d3", "title": "<b>Cold</b> <i>days</i>", "text": "<p>At -5 degrees, soup &amp; tea.</p>"},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.jsonl").write_text("".join(json.dumps(document) + "\n" for document in DOCUMENTS))
    done = invoke("index", str(folder / "shop.jsonl"), "--to", f"bm25:{folder / 'index'}")
    assert done.code == 0, done.err
    return f"bm25:{folder / 'index'}"


def found(shop: str, *arguments: str) -> dict[str, Any]:
    done = invoke("search", shop, "--json", *arguments)
    assert done.code == 0, done.err
    content: dict[str, Any] = json.loads(done.out)
    return content


def test_several_words_need_no_quotes(shop: str) -> None:
    loose, quoted = found(shop, "red", "lentils", "--top", "2", "soup"), found(shop, "red lentils soup", "--top", "2")
    assert loose["query"] == "red lentils soup"
    assert loose["hits"] == quoted["hits"]


def test_words_that_begin_with_a_dash_come_after_two_dashes(shop: str) -> None:
    assert found(shop, "--top", "1", "--", "-5", "degrees")["query"] == "-5 degrees"
    assert_one_line(invoke("search", shop, "-5", "degrees"), 2, "'-5'", "come after --")
    misspelt = invoke("search", shop, "soup", "--tpo", "5")
    assert_one_line(misspelt, 2, "--tpo", "--top")
    assert "come after" not in misspelt.error_line


@pytest.mark.parametrize("arguments", [[], [""], ["", "  "], ["--", "\t"], ["-"]])
def test_a_query_without_words_is_refused(shop: str, arguments: list[str]) -> None:
    assert_one_line(invoke("search", shop, *arguments, stdin=b"\n"), 2, "the query is empty")


def test_a_dash_alone_reads_the_query_from_standard_input(shop: str) -> None:
    done = invoke("search", shop, "-", "--json", stdin="\ufeffred lentils\n".encode())
    assert json.loads(done.out)["query"] == "red lentils"


def test_a_lone_hit_shows_the_models_probability(shop: str) -> None:
    [hit] = found(shop, "lentils")["hits"]
    assert hit["score"] == pytest.approx(1 / (1 + math.exp(-hit["logit"])))
    out = invoke("search", shop, "lentils").out
    assert f"{hit['score']:.3f}" in out
    assert "fused" not in out and "0.000" not in out


def test_several_hits_show_the_fused_score_beside_the_probability_where_it_decides(shop: str) -> None:
    hits = found(shop, "soup")["hits"]
    assert [hit["fused"] for hit in hits] == sorted((hit["fused"] for hit in hits), reverse=True)
    row = next(line for line in invoke("search", shop, "soup").out.splitlines() if line.split()[:1] == ["1"])
    assert [f"{hits[0]['score']:.3f}", f"{hits[0]['fused']:.3f}"] == row.split()[2:4]
    alone = found(shop, "soup", "--fusion", "none")["hits"]
    assert [hit["fused"] for hit in alone] == [None, None, None]
    assert [hit["score"] for hit in alone] == sorted((hit["score"] for hit in alone), reverse=True)
    assert "fused" not in invoke("search", shop, "soup", "--fusion", "none").out


def test_a_hit_below_the_window_has_no_score_but_a_dash(shop: str) -> None:
    out = invoke("search", shop, "soup", "--window", "1").out
    assert [line.split()[2] for line in out.splitlines() if line.split()[1:2] == ["="]][1:] == ["–", "–"]


def test_numbers_that_json_lacks_are_null() -> None:
    assert (
        to_json({"a": [float("nan"), 1.5, {"b": -math.inf}], "c": (2,)}) == '{"a": [null, 1.5, {"b": null}], "c": [2]}'
    )


def test_json_has_the_fields_of_the_corpus(shop: str) -> None:
    fields = {hit["doc_id"]: hit["fields"] for hit in found(shop, "soup", "red")["hits"]}
    assert fields["d1"] == {"url": "https://a.example/1", "sku": 7, "tags": ["a"]}
    assert fields["d2"] == {"by": {"name": "Ann"}}
    assert fields["d3"] == {}


def test_fields_are_shown_in_the_table_on_request(shop: str) -> None:
    out = invoke("search", shop, "soup", "lentils", "--show", "url", "--show", "sku,by.name").out
    lines = [line.strip() for line in out.splitlines()]
    for line in ("url: https://a.example/1", "sku: 7", "by.name: Ann"):
        assert line in lines


def test_a_misspelt_field_is_refused_with_the_near_name_and_an_unlike_one_with_all_names(shop: str) -> None:
    assert_one_line(invoke("search", shop, "soup", "--show", "tittle"), 2, "'tittle'", "did you mean title?")
    assert_one_line(invoke("search", shop, "soup", "--show", "colour"), 2, "'colour'", "url, sku, tags")
    assert invoke("search", shop, "zzz", "--show", "colour").code == 0


def test_tags_of_html_are_not_shown(shop: str) -> None:
    out = invoke("search", shop, "degrees").out
    assert "Cold days  d3" in out and "At -5 *degrees*, soup & tea." in out
    assert "<p>At -5" in invoke("search", shop, "degrees", "--html", "keep").out
    assert "<p>At -5" in invoke("search", shop, "degrees", "--html", "keep", "--model", "none").out


@pytest.mark.parametrize("forms", [["--json", "--compare"], ["--json", "--trec"], ["--compare", "--trec"]])
def test_two_forms_exclude_each_other(shop: str, forms: list[str]) -> None:
    done = invoke("search", shop, "soup", *forms)
    assert_one_line(done, 2, f"{forms[0]} and {forms[1]} exclude each other")
    assert done.out == ""
    assert_one_line(invoke("search", shop, "soup", *reversed(forms)), 2, "exclude each other")


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (["--model", "none", "--fusion-weight", "0.3"], ["--fusion-weight", "--model none"]),
        (["--model", "none", "--fusion", "zscore", "--window", "5"], ["--window, --fusion would have no effect"]),
        (["--model", "none", "--template", "{title}"], ["--template", "--model none"]),
        (["--model", "none", "--passages", "2"], ["--passages", "--model none"]),
        (["--fusion", "none", "--fusion-weight", "0.3"], ["--fusion-weight", "--fusion none"]),
        (["--window", "101"], ["--window 101 exceeds --depth 100", "--depth 101"]),
        (["--depth", "20", "--top", "21"], ["--top 21 exceeds --depth 20"]),
        (["--compare", "--show", "url"], ["--show", "--compare"]),
        (["--trec", "--show", "url"], ["--show", "--trec"]),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(shop: str, flags: list[str], parts: list[str]) -> None:
    assert_one_line(invoke("search", shop, "soup", *flags), 2, *parts)


@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        (["--model", "none", "--fusion", "none", "--window", "0"], {}),
        (["--model", "none"], {"RESIFT_FUSION_WEIGHT": "0.3"}),
        (["--depth", "5"], {"RESIFT_WINDOW": "50", "RESIFT_TOP": "20"}),
    ],
)
def test_values_that_agree_and_settings_for_all_commands_are_not_refused(
    shop: str, flags: list[str], variables: dict[str, str]
) -> None:
    assert invoke("search", shop, "soup", *flags, env=variables).code == 0


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (["run", "--output", "-", "--model", "none", "--fusion-weight", "1"], "--model none"),
        (["evaluate", "--qrels", "q", "--fusion", "none", "--fusion-weight", "1"], "--fusion none"),
        (["evaluate", "--mode", "comparable", "--window", "5"], "--mode comparable"),
    ],
)
def test_the_other_commands_refuse_what_they_would_ignore(shop: str, command: list[str], part: str) -> None:
    assert_one_line(invoke(command[0], shop, "--queries", "q.tsv", *command[1:]), 2, "would have no effect", part)


@pytest.mark.parametrize("flags", [[], ["--compare"]])
def test_nothing_found_is_said_in_place_of_a_table(shop: str, flags: list[str]) -> None:
    done = invoke("search", shop, "zzz", "qqq", *flags)
    assert done.code == 0
    assert done.out.startswith("Nothing in the index matches 'zzz qqq'.\n")
    assert "move" not in done.out and "first stage  " not in done.out


@pytest.mark.parametrize("flags", [["--json"], ["--trec"]])
def test_nothing_found_is_a_note_beside_the_output_for_programs(shop: str, flags: list[str]) -> None:
    done = invoke("search", shop, "zzz", *flags)
    assert done.err == "note: Nothing in the index matches 'zzz'.\n"
    assert done.out == "" or json.loads(done.out)["hits"] == []


@pytest.mark.parametrize("columns", [40, 60, 79, 80, 120])
@pytest.mark.parametrize("flags", [[], ["--compare"], ["--show", "url"]])
def test_a_search_fits_the_terminal(tmp_path: Path, shop: str, columns: int, flags: list[str]) -> None:
    done = invoke("search", shop, "soup", "lentils", *flags, env={"COLUMNS": str(columns)})
    assert max(map(len, done.out.splitlines())) <= columns, done.out
    assert "Soup" in done.out and "Bowls" in done.out


def test_a_comparison_names_hits_by_their_text_without_titles_and_by_their_ids_where_titles_repeat(
    tmp_path: Path,
) -> None:
    rows = [
        ("d1", "Soup", "red lentil soup"),
        ("d2", "Soup", "soup bowls of clay"),
        ("d3", "", "soup spoons <b>two</b>"),
    ]
    lines = [json.dumps({"id": doc_id, "title": title, "text": text}) for doc_id, title, text in rows]
    (tmp_path / "c.jsonl").write_text("\n".join(lines))
    target = f"bm25:{tmp_path / 'index'}"
    assert invoke("index", str(tmp_path / "c.jsonl"), "--to", target).code == 0
    shown = invoke("search", target, "soup", "--compare").out
    assert "d1  Soup" in shown and "d2  Soup" in shown and "soup spoons two" in shown and "d3" not in shown
