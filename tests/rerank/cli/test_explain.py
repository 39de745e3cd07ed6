"""`resift search --explain` and `--explain-words`: in the table, in JSON, and with what they cannot go together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rerank.cli.invoke import assert_one_line, invoke

QUERY = ("soup", "of", "lentils", "--model", "resift-tiny")


def found(index: str, *arguments: str) -> dict[str, Any]:
    done = invoke("search", index, *QUERY, "--json", *arguments)
    assert done.code == 0, done.err
    content: dict[str, Any] = json.loads(done.out)
    return content


def test_each_hit_is_printed_with_its_ranks_its_scores_and_its_passage(index: str) -> None:
    done = invoke("search", index, *QUERY, "--explain")
    assert done.code == 0, done.err
    hits = found(index, "--explain")["hits"]
    lines = " ".join(done.out.split())
    for hit in hits:
        parts = hit["fused_from"]
        assert f"rank {hit['first_stage_rank']} → {hit['rank']}" in lines
        assert f"first stage {hit['first_stage_score']:.3f}, logit {hit['logit']:.3f}" in lines
        assert f"fused {hit['fused']:.3f} = {parts['weight']:.3f} × {parts['logit_z']:.3f}" in lines
        assert (
            f"characters 0 to {hit['passage']['end']} of {hit['passage']['length']}: {hit['passage']['text']}" in lines
        )
    assert "z-scores: first stage mean" in lines and "words" not in lines


def test_the_words_of_one_hit_are_named_by_its_rank_or_its_id(index: str) -> None:
    by_rank, by_id = found(index, "--explain-words", "1"), found(index, "--explain-words", "d1")
    assert by_rank["hits"] == by_id["hits"]
    first, *others = by_rank["hits"]
    assert first["doc_id"] == "d1" and not any("words" in hit for hit in others)
    words = first["words"]
    assert words["missing"] is None
    assert all(first["passage"]["text"][one["start"] : one["end"]] == one["word"] for one in words["passage"])
    assert {one["word"] for one in words["query"]} == {"soup", "of", "lentils"}
    done = invoke("search", index, *QUERY, "--explain-words", "d1")
    best = words["query"][0]
    assert f"words of the query: {best['word']} {best['effect']:+.2f}" in " ".join(done.out.split())


def test_the_json_of_an_explained_search_can_be_reranked_again(index: str) -> None:
    done = invoke("search", index, *QUERY, "--json", "--explain-words", "1")
    again = invoke("rerank", "--model", "resift-tiny", stdin=done.out.encode())
    assert again.code == 0, again.err
    assert [one["index"] for one in json.loads(again.out)["results"]] == [0, 1]


def test_without_explain_the_json_is_as_before(index: str) -> None:
    plain = found(index)
    assert set(found(index, "--explain")["hits"][0]) - set(plain["hits"][0]) == {"probability", "fused_from", "passage"}
    assert set(plain["fusion"]) == {"kind", "weight", "source"}
    assert set(found(index, "--explain")["fusion"]) == {"kind", "weight", "source", "scale"}


def test_without_a_model_the_first_stage_alone_is_explained(index: str) -> None:
    done = invoke("search", index, "soup", "--explain", "--model", "none")
    assert done.code == 0 and "rank 1 → 1 (=), first stage" in done.out and "logit" not in done.out


def test_a_hit_below_the_window_says_so_and_why_it_has_no_words(index: str) -> None:
    last = found(index, "--window", "1", "--explain-words", "2")["hits"][1]
    assert (last["unscored"], last["passage"]) == ("below the window", None)
    assert last["words"]["missing"] == "the model did not score it (below the window)"
    done = invoke("search", index, *QUERY, "--window", "1", "--explain-words", "2")
    assert "not scored: below the window" in done.out and "words: none, the model did not score it" in done.out


@pytest.mark.parametrize("hit", ["3", "0", "-1", "d9", "", "99999999999999999999"])
def test_a_hit_that_is_not_shown_is_refused(index: str, hit: str) -> None:
    done = invoke("search", index, *QUERY, "--top", "2", "--explain-words", hit)
    assert_one_line(done, 2, repr(hit), "not among the 2 hits")


def test_a_search_without_hits_has_nothing_to_explain(index: str) -> None:
    done = invoke("search", index, "zebra", "--explain-words", "1")
    assert done.code == 0 and "Nothing in the index matches" in done.out


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--explain", "--compare"], ["--explain", "--compare has no place"]),
        (["--explain-words", "1", "--trec"], ["--explain", "--trec has no place"]),
        (["--explain-words", "1", "--model", "none"], ["--explain-words needs a model"]),
    ],
)
def test_options_that_contradict_each_other_are_refused(index: str, options: list[str], parts: list[str]) -> None:
    assert_one_line(invoke("search", index, "soup", *options), 2, *parts)
