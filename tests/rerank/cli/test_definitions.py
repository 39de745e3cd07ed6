"""A definition of an index applies to it in every command, before the file's settings and after flags and variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.scorers.load import load_scorer
from tests.rerank.cli.invoke import Done, assert_one_line, invoke

MODEL = ("--model", "resift-tiny")
ROWS: list[dict[str, Any]] = [
    {"id": "a", "title": "Cats", "text": "They eat fish and sleep all day long.", "price": 3},
    {"id": "b", "title": "Dogs", "text": "They eat bones and bark at night."},
]
QUERY = "what do they eat"
FILE = """
html = "strip"
window = 80
[index.help]
template = "{title:1}[ ({price} EUR)]: {text:3}"
window = 7
fusion = "none"
[index."faq-*"]
template = "{text}"
fields = ["title", "body"]
mode = "shadow"
"""
READ = {"a": "Cats (3 EUR): They eat fish", "b": "Dogs: They eat bones"}
"""The texts that the definition of help makes of `ROWS`."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index, judged queries and a settings file."""
    made = tmp_path_factory.mktemp("definitions")
    (made / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert invoke("index", str(made / "rows.jsonl"), "--to", f"bm25:{made / 'help'}").code == 0
    (made / "queries.tsv").write_text(f"q1\t{QUERY}\nq2\twho eats bones all day long\n")
    (made / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\ta\t1\nq2\tb\t1\n")
    (made / "resift.toml").write_text(FILE)
    return made


def run(folder: Path, command: str, *options: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
    given = {"RESIFT_CONFIG": str(folder / "resift.toml"), **(env or {})}
    done = invoke(command, *options, stdin=stdin, env=given)
    assert done.code == 0, done.err
    return done


def search(folder: Path, *options: str, **environment: str) -> dict[str, Any]:
    done = run(folder, "search", f"bm25:{folder / 'help'}", QUERY, "--json", *MODEL, *options, env=environment)
    found: dict[str, Any] = json.loads(done.out)
    return found


def logits(found: dict[str, Any], member: str = "hits") -> dict[str, float]:
    return {hit["doc_id"]: hit["logit"] for hit in found[member]}


def expected(texts: dict[str, str]) -> dict[str, Any]:
    scores = load_scorer("resift-tiny").score([(QUERY, text) for text in texts.values()])
    return {doc_id: pytest.approx(float(logit), abs=1e-5) for doc_id, logit in zip(texts, scores.logits, strict=True)}


def test_a_search_in_a_defined_index_reads_and_reranks_by_its_definition(folder: Path) -> None:
    found = search(folder)
    assert logits(found) == expected(READ)
    assert found["rank_window_size"] == 7 and found["fusion"]["kind"] == "none"


def test_flags_and_variables_win_over_the_definition_one_by_one(folder: Path) -> None:
    texts = {row["id"]: row["text"] for row in ROWS}
    found = search(folder, "--template", "{text}", RESIFT_FUSION="zscore")
    assert logits(found) == expected(texts)
    assert found["fusion"] == {"kind": "zscore", "weight": 0.7, "source": "settings"}
    assert found["rank_window_size"] == 7
    assert search(folder, RESIFT_WINDOW="9")["rank_window_size"] == 9


def test_an_index_without_a_definition_has_the_files_settings(folder: Path, tmp_path: Path) -> None:
    assert invoke("index", str(folder / "rows.jsonl"), "--to", f"bm25:{tmp_path / 'other'}").code == 0
    done = run(folder, "search", f"bm25:{tmp_path / 'other'}", QUERY, "--json", *MODEL)
    found = json.loads(done.out)
    assert logits(found) == expected({row["id"]: f"{row['title']} {row['text']}" for row in ROWS})
    assert found["rank_window_size"] == 80


def test_a_file_named_after_the_command_has_its_own_definitions(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[index.help]\ntemplate = "{title}"\n')
    found = search(folder, "--config", str(tmp_path / "other.toml"))
    assert logits(found) == expected({"a": "Cats", "b": "Dogs"}) and found["rank_window_size"] == 100


def test_hits_that_a_search_printed_are_reranked_by_the_definition_of_their_index(folder: Path) -> None:
    found = search(folder, "--template", "{text}")
    again = run(folder, "rerank", *MODEL, stdin=json.dumps(found).encode())
    assert logits(json.loads(again.out), "results") == expected(READ)
    other = run(folder, "rerank", *MODEL, stdin=json.dumps({**found, "index": "unknown"}).encode())
    assert logits(json.loads(other.out), "results") != expected(READ)


def test_an_evaluation_a_run_and_a_comparison_use_the_definition(folder: Path, tmp_path: Path) -> None:
    index, queries = f"bm25:{folder / 'help'}", str(folder / "queries.tsv")
    judged = ("--queries", queries, "--qrels", str(folder / "qrels.tsv"))
    done = run(folder, "evaluate", index, *judged, *MODEL, "--output", str(tmp_path), "--json")
    settings = json.loads(done.out)
    assert settings["template"] == "{title:1}[ ({price} EUR)]: {text:3}"
    assert (settings["rank_window_size"], settings["fusion"], settings["html"]) == (7, "none", "strip")
    output = tmp_path / "run.trec"
    run(folder, "run", index, "--queries", queries, "--output", str(output), *MODEL)
    columns = [line.split() for line in output.read_text().splitlines()]
    assert {doc_id: float(score) for query, _, doc_id, _, score, _ in columns if query == "q1"} == expected(READ)
    compared = run(folder, "compare", index, "--queries", queries, "--json", *MODEL)
    assert json.loads(compared.out)["rank_window_size"] == 7


def test_mined_examples_have_the_texts_of_the_definition(folder: Path, tmp_path: Path) -> None:
    judged = ("--queries", str(folder / "queries.tsv"), "--qrels", str(folder / "qrels.tsv"))
    output = tmp_path / "examples.jsonl"
    run(folder, "mine", f"bm25:{folder / 'help'}", *judged, "--teacher", "none", "--output", str(output))
    assert [json.loads(line)["document"] for line in output.read_text().splitlines()] == [
        *(READ["a"], READ["b"]),
        *(READ["b"], READ["a"]),
    ]


def test_a_fusion_is_fitted_in_the_window_of_the_definition(folder: Path) -> None:
    judged = ("--queries", str(folder / "queries.tsv"), "--qrels", str(folder / "qrels.tsv"))
    fitted = run(
        folder, "tune", "resift-tiny", "--dev", f"bm25:{folder / 'help'}", *judged, "--json", "--tune-cache", ""
    )
    assert json.loads(fitted.out)["conditions"]["rank_window_size"] == 7


def test_config_shows_the_definitions_and_info_names_the_one_of_an_index(folder: Path) -> None:
    found = json.loads(run(folder, "config", "--json").out)
    assert found["index.help.window"] == {"value": 7, "source": "file", "stage": "index"}
    assert found["window"]["value"] == 80
    lines = [" ".join(line.split()) for line in run(folder, "config").out.splitlines()]
    assert "index.faq-*.fields title, body file" in lines and "index.faq-*.mode shadow file" in lines
    info = run(folder, "info", f"bm25:{folder / 'help'}").out
    assert "settings file  [index.help]" in info


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[index.help]\ntempate = 'x'", "resift.toml: index.help: 'tempate' is not a member"),
        ("[index.help]\nhtml = 'some'", "resift.toml: index.help.html: 'some' is not known"),
        ("index = 'help'", "resift.toml: index: 'help' is not a table; expected [index.NAME]"),
        ("index = []", "resift.toml: index: [] is not a table"),
    ],
)
@pytest.mark.parametrize("command", ["config", "info"])
def test_a_definition_that_cannot_be_used_stops_every_command(
    folder: Path, tmp_path: Path, command: str, content: str, message: str
) -> None:
    (tmp_path / "resift.toml").write_text(content)
    options = [] if command == "config" else [f"bm25:{folder / 'help'}"]
    assert_one_line(invoke(command, *options, "--config", str(tmp_path / "resift.toml")), 2, message)


def test_sets_with_different_definitions_are_judged_without_any_and_a_note_says_so(
    folder: Path, tmp_path: Path
) -> None:
    collection = tmp_path / "beir"
    (collection / "qrels").mkdir(parents=True)
    (collection / "corpus.jsonl").write_text("".join(json.dumps({**row, "_id": row["id"]}) + "\n" for row in ROWS))
    (collection / "queries.jsonl").write_text(json.dumps({"_id": "q2", "text": "who eats bones"}) + "\n")
    (collection / "qrels" / "dev.tsv").write_text((folder / "qrels.tsv").read_text())
    judged = ("--queries", str(folder / "queries.tsv"), "--qrels", str(folder / "qrels.tsv"))
    sets = ("--dev", f"bm25:{folder / 'help'}", "--dev", str(collection))
    given = {"RESIFT_CONFIG": str(folder / "resift.toml")}
    done = invoke("tune", "resift-tiny", *sets, *judged, "--json", env=given)
    assert "do not have the same definition in the settings file; none is used" in done.err
