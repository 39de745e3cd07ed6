"""`resift mine`: from judgements, pairs and clicks to training examples, its report, and its refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rerank.cli.invoke import Done, assert_one_line, invoke

TEXTS = {
    "d1": "Simmer red lentils with onion and cumin for a soup",
    "d2": "Four bowls for soup and cereal",
    "d3": "A soup of green peas and mint",
    "d4": "Soup spoons of steel",
    "d5": "Slice ripe tomatoes, add basil and oil",
}
ROWS = [{"id": doc_id, "title": doc_id.upper(), "text": text} for doc_id, text in TEXTS.items()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, its index, queries, judgements, pairs and clicks."""
    made = tmp_path_factory.mktemp("mine")
    write(made / "corpus.jsonl", *ROWS)
    assert invoke("index", str(made / "corpus.jsonl"), "--to", f"bm25:{made / 'index'}").code == 0
    write(made / "queries.jsonl", {"_id": "q1", "text": "lentil soup"}, {"_id": "q2", "text": "tomatoes"})
    (made / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td5\t1\n")
    write(made / "pairs.jsonl", {"query": "lentil soup", "document": TEXTS["d1"]})
    write(made / "clicks.jsonl", *[{"query": "soup", "shown": ["d4", "d3"], "clicked": ["d3"]}] * 12)
    return made


def write(path: Path, *rows: object) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def mine(folder: Path, output: Path, *options: str, target: str = "") -> Done:
    place = target or f"bm25:{folder / 'index'}"
    return invoke("mine", place, "--output", str(output), "--teacher", "none", *options)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judged(folder: Path) -> list[str]:
    return ["--queries", str(folder / "queries.jsonl"), "--qrels", str(folder / "qrels.tsv")]


def test_judgements_become_labelled_pairs_with_the_texts_of_a_search(folder: Path, tmp_path: Path) -> None:
    done = mine(folder, tmp_path / "a.jsonl", *judged(folder), "--negatives", "2", "--show", "1")
    assert done.code == 0, done.err
    assert rows(tmp_path / "a.jsonl") == [
        {"query": "lentil soup", "document": f"D1 {TEXTS['d1']}", "label": 1},
        {"query": "lentil soup", "document": f"D2 {TEXTS['d2']}", "label": 0},
        {"query": "lentil soup", "document": f"D4 {TEXTS['d4']}", "label": 0},
    ]
    assert "  known, rank 4: D2 Four bowls" in done.out
    assert "dropped: no negative was left  1 query" in done.out
    assert "written" in done.out and "3 examples to" in done.out


def test_pairs_are_found_in_the_index_and_clicks_have_skipped_results_as_negatives(
    folder: Path, tmp_path: Path
) -> None:
    done = mine(folder, tmp_path / "a.jsonl", "--pairs", str(folder / "pairs.jsonl"), "--form", "triplet")
    assert done.code == 0, done.err
    assert [(row["positive"][:2], row["negative"][:2]) for row in rows(tmp_path / "a.jsonl")] == [
        ("D1", "D4"),
        ("D1", "D3"),
        ("D1", "D2"),
    ]
    done = mine(
        folder, tmp_path / "b.jsonl", "--clicks", str(folder / "clicks.jsonl"), "--json", "--form", "labeled-list"
    )
    assert done.code == 0, done.err
    [row] = rows(tmp_path / "b.jsonl")
    assert (row["documents"][0][:2], row["documents"][1][:2], row["labels"]) == ("D3", "D4", [1, 0, 0, 0])
    report = json.loads(done.out)
    assert (report["negatives"], report["queries"]) == ({"known": 1, "mined": 2}, 1)
    assert "1/rank is assumed (--position-bias)" in done.err


def test_a_collection_is_indexed_for_the_mine(folder: Path, tmp_path: Path) -> None:
    done = mine(folder, tmp_path / "a.jsonl", *judged(folder), target=str(folder / "corpus.jsonl"))
    assert done.code == 0, done.err
    beir = tmp_path / "beir"
    (beir / "qrels").mkdir(parents=True)
    for name in ("corpus.jsonl", "queries.jsonl"):
        (beir / name).write_bytes((folder / name).read_bytes())
    (beir / "qrels" / "train.tsv").write_bytes((folder / "qrels.tsv").read_bytes())
    done = mine(folder, tmp_path / "b.jsonl", target=str(beir))
    assert done.code == 0, done.err
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_the_embedded_model_is_the_teacher_by_default(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    done = invoke(
        *("mine", f"bm25:{folder / 'index'}", *judged(folder), "--output", str(output)),
        *("--form", "labeled-list", "--labels", "teacher", "--json"),
    )
    assert done.code == 0, done.err
    [row] = rows(output)
    assert row["relevance"][0] == 2 and set(row["relevance"][1:]) == {0}
    assert row["labels"][0] > max(row["labels"][2:])
    report = json.loads(done.out)
    assert report["mean_logits"]["positive"] > report["mean_logits"]["negative"]


def test_a_mine_is_given_again_after_it_is_complete_only_to_overwrite(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    assert mine(folder, output, *judged(folder)).code == 0
    before = output.read_bytes()
    assert_one_line(mine(folder, output, *judged(folder)), 2, "exists; name another file, or set --overwrite")
    assert mine(folder, output, *judged(folder), "--overwrite").code == 0
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ([], ["nothing is known about the queries; name --queries with --qrels, --pairs or --clicks"]),
        (["--queries", "q"], ["nothing is known"]),
        (["--pairs", "p", "--clicks", "c"], ["judgements come from one source", "leave out pairs or clicks"]),
        (["--qrels", "q"], ["judgements need the texts of their queries; give --queries and --qrels"]),
        (["--pairs", "p", "--queries", "q"], ["judgements need the texts"]),
        (["--pairs", "p", "--events", "e"], ["events belong to the queries of UBI; name those with --clicks"]),
        (["--pairs", "p", "--split", "train"], ["is for a BEIR folder"]),
        (["--pairs", "p", "--min-clicks", "3"], ["--min-clicks would have no effect without --clicks"]),
        (["--pairs", "p", "--id-field", "x"], ["--id-field would have no effect, because no index is built"]),
        (["--pairs", "p", "--field", "x"], ["--field is for an index of Elasticsearch or OpenSearch"]),
        (["--pairs", "p", "--ranks", "9-3"], ["'9-3' is not a range; expected the first and last rank, as 10-50"]),
        (["--pairs", "p", "--max-score", "1"], ["needs the scores of a teacher; name one with --teacher"]),
        (["--pairs", "p", "--form", "pair"], ["labeled-pair"]),
    ],
)
def test_options_that_do_not_fit_together_are_refused_before_any_work(
    folder: Path, tmp_path: Path, options: list[str], parts: list[str]
) -> None:
    assert_one_line(mine(folder, tmp_path / "a.jsonl", *options), 2, *parts)
    assert list(tmp_path.iterdir()) == []


def test_bad_files_and_outputs_are_one_line(folder: Path, tmp_path: Path) -> None:
    pairs = ["--pairs", str(folder / "pairs.jsonl")]
    assert_one_line(mine(folder, tmp_path / "a.txt", *pairs), 2, "has no known ending; expected .jsonl")
    assert_one_line(mine(folder, tmp_path / "no" / "a.jsonl", *pairs), 2, "does not exist; create it first")
    assert_one_line(mine(folder, folder / "pairs.jsonl", *pairs), 2, "is an input of this mine")
    assert_one_line(mine(folder, Path("-"), *pairs), 2, "written to a file")
    assert_one_line(mine(folder, tmp_path / "a.jsonl", "--pairs", "absent.jsonl"), 1, "absent.jsonl", "does not exist")
    assert_one_line(mine(folder, tmp_path / "b.jsonl", *pairs, target="bm25:/absent"), 1, "does not exist")
    garbage = tmp_path / "garbage.jsonl"
    garbage.write_bytes(b"\x00\xff\xfe garbage\n" * 3)
    for option in ("--pairs", "--clicks"):
        assert mine(folder, tmp_path / "c.jsonl", option, str(garbage)).code == 1
    assert mine(folder, tmp_path / "d.jsonl", *judged(folder), "--teacher", "no-such-model").code == 1
    assert [file.name for file in tmp_path.iterdir()] == ["garbage.jsonl"]
