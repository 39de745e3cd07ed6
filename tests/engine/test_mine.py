"""Mining in a live engine: the documents are found, fetched and sampled there, and UBI's indices are read."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.engines import ask
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine
Fill = Callable[..., str]

TEXTS = {
    f"d{n}": {"title": f"Dish {n}", "text": "soup " * (9 - n) + f"with ingredient{n} " * (n + 1)} for n in range(9)
}


@pytest.fixture
def dishes(filled: Fill) -> str:
    far = {f"x{n}": {"title": f"Other {n}", "text": f"bread and butter{n}"} for n in range(20)}
    return filled({**TEXTS, **far, "far": {"title": "Far", "text": "stew"}})


def mined(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]


def judged(folder: Path, doc_id: str) -> list[str]:
    (folder / "queries.tsv").write_text("q1\tsoup\n")
    (folder / "qrels.tsv").write_text(f"q1 0 {doc_id} 1\nq1 0 absent 1\n")
    return ["--queries", str(folder / "queries.tsv"), "--qrels", str(folder / "qrels.tsv"), "--teacher", "none"]


def test_negatives_come_from_the_engine_and_positives_are_fetched_by_id(dishes: str, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    options = ["--ranks", "2-4", "--negatives", "3", "--random-negatives", "2", "--form", "labeled-list", "--json"]
    done = invoke("mine", dishes, *judged(tmp_path, "far"), "--output", str(output), *options)
    assert done.code == 0, done.err
    [row] = mined(output)
    found = invoke("search", dishes, "soup", "--model", "none", "--json", "--top", "9")
    hits = [f"{hit['title']} {hit['text']}".strip() for hit in json.loads(found.out)["hits"]]
    assert row["documents"][:4] == ["Far stew", *hits[1:4]]
    assert len(set(row["documents"])) == 6 and not set(row["documents"][4:]) & {*hits[:4], "Far stew"}
    assert json.loads(done.out)["missing"] == 1
    again = tmp_path / "b.jsonl"
    assert invoke("mine", dishes, *judged(tmp_path, "far"), "--output", str(again), *options).code == 0
    assert again.read_bytes() == output.read_bytes()


def test_passages_of_a_split_document_are_read_as_the_search_reads_them(target: str, tmp_path: Path) -> None:
    long = " ".join(f"word{n}" for n in range(300)) + " soup tureen"
    source = tmp_path / "corpus.jsonl"
    rows = [{"id": "long", "text": long}, *({"id": f"d{n}", "text": f"soup bowl{n} " * 3} for n in range(4))]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert (
        invoke("index", str(source), "--to", target, "--passage-words", "100", "--state", str(tmp_path / "state")).code
        == 0
    )
    output = tmp_path / "a.jsonl"
    done = invoke(
        "mine", target, *judged(tmp_path, "long"), "--ranks", "1-2", "--negatives", "2", "--output", str(output)
    )
    assert done.code == 0, done.err
    positive, *negatives = mined(output)
    assert positive["label"] == 1 and "soup tureen" in positive["document"] and "word0 " not in positive["document"]
    assert len(negatives) == 2


@pytest.fixture
def ubi(engine: str, name: str) -> Iterator[tuple[str, str]]:
    """The URLs of two indices with UBI's own mappings: 1,200 queries, each with a click on its second hit."""
    keyword, date = {"type": "keyword", "ignore_above": 100}, {"type": "date"}
    queries = {
        "timestamp": date,
        "query_id": keyword,
        "user_query": {"type": "text"},
        "query_response_hit_ids": keyword,
    }
    attributes = {"properties": {"object": {"properties": {"object_id": keyword}}}}
    events = {"timestamp": date, "query_id": keyword, "action_name": keyword, "event_attributes": attributes}
    urls = [f"{engine}/{name}-ubi-queries", f"{engine}/{name}-ubi-events"]
    for url, properties in zip(urls, (queries, events), strict=True):
        ask("PUT", url, {"mappings": {"dynamic": False, "properties": properties}})
    lines: list[dict[str, Any]] = []
    for n in range(1200):
        shown = ["d4", "d2", "d5"] if n % 2 else ["d2", "d4", "d5"]
        lines += [{"index": {"_index": urls[0].rpartition("/")[2]}}]
        lines += [{"query_id": f"u{n}", "user_query": "soup", "query_response_hit_ids": shown, "timestamp": n}]
        if n < 40:
            lines += [{"index": {"_index": urls[1].rpartition("/")[2]}}]
            lines += [
                {"action_name": "click", "query_id": f"u{n}", "event_attributes": {"object": {"object_id": "d2"}}}
            ]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    request = urllib.request.Request(f"{engine}/_bulk?refresh=true", body, {"Content-Type": "application/x-ndjson"})
    with urllib.request.urlopen(request, timeout=60) as response:
        assert json.load(response)["errors"] is False
    yield urls[0], urls[1]
    for url in urls:
        ask("DELETE", url)


def test_ubi_is_read_from_its_indices_in_pages(dishes: str, ubi: tuple[str, str], tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    options = ["--clicks", ubi[0], "--events", ubi[1], "--teacher", "none", "--json", "--negatives", "1"]
    done = invoke("mine", dishes, *options, "--output", str(output))
    assert done.code == 0, done.err
    assert [(row["document"].partition(" soup")[0], row["label"]) for row in mined(output)] == [
        ("Dish 2", 1),
        ("Dish 4", 0),
    ]
    report = json.loads(done.out)
    assert report["negatives"] == {"known": 1}
    assert report["propensities"][1] == pytest.approx(1.0, abs=0.05)  # d2 was clicked as often in both positions


def test_an_index_of_ubi_that_does_not_exist_is_one_line(dishes: str, ubi: tuple[str, str], tmp_path: Path) -> None:
    missing = invoke(
        "mine", dishes, "--clicks", f"{ubi[0]}-x", "--events", ubi[1], "--output", str(tmp_path / "a.jsonl")
    )
    assert missing.code == 1 and "no such index" in missing.error_line
    alone = invoke("mine", dishes, "--clicks", ubi[0], "--output", str(tmp_path / "a.jsonl"))
    assert alone.code == 2 and "name the index of their events with --events" in alone.error_line
