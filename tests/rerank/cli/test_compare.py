"""`resift compare`: both orders of the most changed queries, without judgements."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from resift.rerank.scorers.registry import MODELS
from tests.rerank.cli.invoke import assert_one_line, invoke

QUERIES = "q1\tsimmer four twenty cereal\nq2\ttomatoes\nq3\tsoup\nq4\tzzz qqq\n"


@pytest.fixture
def queries(tmp_path: Path) -> str:
    (tmp_path / "queries.tsv").write_text(QUERIES)
    return str(tmp_path / "queries.tsv")


def test_the_most_changed_queries_come_first_with_the_orders_that_search_shows(index: str, queries: str) -> None:
    done = invoke("compare", index, "--queries", queries, "--json", "--fusion", "none")
    content = json.loads(done.out)
    assert (content["count"], content["empty"]) == (4, 1)
    overlaps = [one["overlap"] for one in content["most_changed"]]
    assert overlaps == sorted(overlaps) and all(overlap < 1 for overlap in overlaps)
    for one in content["most_changed"]:
        hits = json.loads(invoke("search", index, one["query"], "--json", "--fusion", "none").out)["hits"]
        assert one["after"] == [hit["doc_id"] for hit in hits]
        assert one["before"] == [hit["doc_id"] for hit in sorted(hits, key=lambda hit: hit["first_stage_rank"])]


def test_the_table_says_what_was_compared_and_what_matched_nothing(index: str, queries: str) -> None:
    done = invoke("compare", index, "--queries", queries, env={"COLUMNS": "100"})
    assert done.code == 0, done.err
    assert done.out.startswith("4 queries, from first stage to reranked.\n1 query matched nothing.\n")


@pytest.mark.parametrize("columns", [60, 120])
def test_a_comparison_fits_the_terminal(index: str, queries: str, columns: int) -> None:
    done = invoke("compare", index, "--queries", queries, "--fusion", "none", env={"COLUMNS": str(columns)})
    assert "overlap" in done.out
    assert max(map(len, done.out.splitlines())) <= columns, done.out


def test_a_page_is_written_and_has_the_text_of_the_hits(tmp_path: Path, index: str) -> None:
    (tmp_path / "q.txt").write_text("soup for <b>cereal</b>\n")
    page = tmp_path / "changes.html"
    done = invoke("compare", index, "--queries", str(tmp_path / "q.txt"), "--fusion", "none", "--report", str(page))
    assert f"{page}: " in done.err
    assert page.read_text().startswith("<!doctype html>")
    assert "<b>cereal" not in page.read_text()


def test_two_models_are_compared_on_the_same_candidates(tmp_path: Path, index: str, queries: str) -> None:
    own = tmp_path / "own"
    shutil.copytree(Path(__file__).parents[3] / "rerank" / "models" / MODELS["resift-small"], own)
    done = invoke("compare", index, "--queries", queries, "--model", str(own), "--against", "resift-small")
    assert f"4 queries, from resift-small to {own}." in " ".join(done.out.split())
    assert "No query has another order." in done.out


@pytest.mark.parametrize(
    ("flags", "code", "parts"),
    [
        (["--model", "none"], 2, ["both none"]),
        (["--model", "none", "--against", "resift-small"], 2, ["--model resift-small and --against none"]),
        (["--against", "resift-small"], 2, ["both resift-small"]),
        (["--report", "x.pdf"], 2, [".html or .md"]),
        (["--report", "nowhere/x.html"], 2, ["does not exist"]),
        (["--top", "0"], 2, ["below 1"]),
        (["--top", "101"], 2, ["--top 101 exceeds --depth 100"]),
        (["--most", "0"], 2, ["--most"]),
        (["--fusion", "none", "--fusion-weight", "1"], 2, ["no effect"]),
    ],
)
def test_what_cannot_be_compared_is_refused_before_the_work(
    index: str, flags: list[str], code: int, parts: list[str]
) -> None:
    assert_one_line(invoke("compare", index, "--queries", "no-such-file.tsv", *flags), code, *parts)
