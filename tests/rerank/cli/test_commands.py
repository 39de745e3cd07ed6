"""The main commands, index, search, run, rerank and evaluate, on real files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ir_measures
import pytest

from tests.rerank.cli.invoke import invoke

ROOT = Path(__file__).parents[3]
TEXTS = {
    "soup": ("Lentil soup", "Simmer red lentils with onion, cumin and stock for twenty minutes."),
    "bowls": ("Soup bowls", "A set of four bowls for soup, stew and cereal. Dishwasher safe."),
    "salad": ("Tomato salad", "Slice ripe tomatoes, add basil, oil and salt. Nothing is cooked."),
    "knife": ("Kitchen knife", "A sharp blade to slice tomatoes, onion and bread."),
}
QUERIES = {"q1": "how long to cook lentil soup", "q2": "tomato dish", "q3": "zzz qqq"}
QRELS = {"q1": {"soup": 2, "bowls": 0}, "q2": {"salad": 1}, "q3": {"knife": 1}}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BEIR folder with qrels/test.tsv, qrels/dev.tsv and an index beside it."""
    folder = tmp_path_factory.mktemp("collection")
    lines = [{"_id": i, "title": title, "text": text} for i, (title, text) in TEXTS.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in QUERIES.items()))
    (folder / "qrels").mkdir()
    rows = [f"{q}\t{d}\t{grade}\n" for q, judged in QRELS.items() for d, grade in judged.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(rows))
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tsoup\t1\n")
    done = invoke("index", str(folder), "--to", f"bm25:{folder / 'index'}")
    assert (done.code, "4 documents" in done.out) == (0, True), done.err
    return folder


def search(collection: Path, query: str, *flags: str) -> dict[str, Any]:
    done = invoke("search", f"bm25:{collection / 'index'}", query, "--json", *flags)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def evaluate(*arguments: str) -> dict[str, Any]:
    done = invoke("evaluate", *arguments, "--json")
    assert done.code == 0, done.err
    report: dict[str, Any] = json.loads(done.out)
    return report


def test_search_as_json_has_both_ranks_both_scores_and_the_logit(collection: Path) -> None:
    found = search(collection, "slice a tomato", "--top", "2")
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    assert {hit["doc_id"] for hit in found["hits"]} == {"salad", "knife"}
    for hit in found["hits"]:
        assert isinstance(hit["logit"], float)
        assert hit["first_stage_score"] > 0
        assert hit["title"] == TEXTS[hit["doc_id"]][0]
    assert (found["model"], found["depth"]) == ("resift-small", 100)


def test_search_without_a_model_keeps_the_first_stages_order(collection: Path) -> None:
    hits = search(collection, "slice a tomato", "--model", "none")["hits"]
    assert [(hit["rank"], hit["logit"]) for hit in hits] == [(hit["first_stage_rank"], None) for hit in hits]
    assert [hit["score"] for hit in hits] == sorted((hit["first_stage_score"] for hit in hits), reverse=True)


def test_a_window_limits_how_many_hits_are_rescored(collection: Path) -> None:
    hits = search(collection, "soup tomatoes onion", "--window", "2")["hits"]
    assert sorted(hit["first_stage_rank"] for hit in hits if hit["logit"] is not None) == [1, 2]
    assert [hit["first_stage_rank"] for hit in hits[2:]] == [3, 4]


def test_search_for_people_shows_rank_move_score_title_and_marked_words(collection: Path) -> None:
    out = invoke("search", f"bm25:{collection / 'index'}", "sliced tomatoes", "--top", "1").out
    row = next(line for line in out.splitlines() if re.match(r"\s*1 ", line))
    assert re.search(r"1\s+([▲▼]\d+|=)\s+0\.\d{3}\s+-?\d\.\d{3}\s+(Tomato salad|Kitchen knife)", row)
    assert "*tomatoes*" in out


def test_compare_shows_both_orders(collection: Path) -> None:
    out = invoke("search", f"bm25:{collection / 'index'}", "slice a tomato", "--compare").out
    assert "first stage" in out
    assert out.count("Tomato salad") == 2


def test_search_as_trec_is_a_run(collection: Path) -> None:
    out = invoke("search", f"bm25:{collection / 'index'}", "slice a tomato", "--trec").out
    assert [line.split()[3] for line in out.splitlines()] == ["1", "2"]
    assert {line.split()[5] for line in out.splitlines()} == {"resift"}


def test_a_run_is_complete_and_has_the_measures_that_evaluate_reports(collection: Path, tmp_path: Path) -> None:
    index, queries = f"bm25:{collection / 'index'}", str(collection / "queries.jsonl")
    output, first = tmp_path / "run.trec", tmp_path / "first.trec"
    done = invoke("run", index, "--queries", queries, "--output", str(output), "--first-stage-output", str(first))
    assert (done.code, done.out) == (0, ""), done.err
    assert "1 of 3 queries matched nothing" in done.err
    measures = [ir_measures.nDCG @ 10, ir_measures.AP]
    report = evaluate(str(collection))["sets"][0]
    for path, stage in ((output, "reranked"), (first, "first_stage")):
        values = ir_measures.calc_aggregate(measures, QRELS, list(ir_measures.read_trec_run(str(path))))  # type: ignore[no-untyped-call]
        # calc_aggregate leaves out the query without a line; it counts 0 among the three
        assert report[stage]["ndcg@10"] == pytest.approx(values[measures[0]], abs=1e-6)
        assert report[stage]["map"] == pytest.approx(values[measures[1]], abs=1e-6)


def test_a_run_can_be_written_to_standard_output(collection: Path) -> None:
    queries = str(collection / "queries.jsonl")
    done = invoke("run", f"bm25:{collection / 'index'}", "--queries", queries, "--output", "-", "--model", "none")
    assert {line.split()[0] for line in done.out.splitlines()} == {"q1", "q2"}


def test_queries_in_csv_are_read_by_their_header(collection: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text('query_id,query\nq1,"how long, to cook soup"\nq2,tomato dish\n')
    index = f"bm25:{collection / 'index'}"
    done = invoke("run", index, "--queries", str(tmp_path / "queries.csv"), "--output", "-", "--model", "none")
    assert {line.split()[0] for line in done.out.splitlines()} == {"q1", "q2"}


def test_rerank_reads_lines_and_writes_lines() -> None:
    lines = [
        {"id": 1, "query": "what do cats eat", "documents": ["Dogs bark at night.", "Cats eat meat and fish."]},
        {"query": "capital of France", "documents": [{"doc_id": "x", "text": "Paris is the capital of France."}]},
    ]
    done = invoke("rerank", stdin="".join(json.dumps(line) + "\n" for line in lines).encode())
    first, second = (json.loads(line) for line in done.out.splitlines())
    assert (done.code, first["id"], [result["index"] for result in first["results"]]) == (0, 1, [1, 0])
    assert second["results"][0]["doc_id"] == "x"


@pytest.mark.parametrize("command", ["search", "run", "evaluate", "rerank"])
def test_a_misspelt_field_of_the_template_is_reported_once(collection: Path, command: str) -> None:
    queries = ["--queries", str(collection / "queries.jsonl")]
    index = f"bm25:{collection / 'index'}"
    arguments = {
        "search": [index, "slice a tomato"],
        "run": [index, *queries, "--output", "-"],
        "evaluate": [index, *queries, "--qrels", str(collection / "qrels" / "test.tsv")],
        "rerank": [],
    }
    line = {"query": "soup", "documents": [{"text": "Lentil soup", "title": "Soup"}, "Stew"]}
    flags = ["--template", "{titel} {title} {text}"]
    done = invoke(command, *arguments[command], *flags, stdin=json.dumps(line).encode())
    assert done.code == 0, done.err
    [note] = [line for line in done.err.splitlines() if "titel" in line]
    assert note.startswith("note: none of the ") and "{titel}" in note


def test_a_field_that_some_documents_have_is_not_reported(collection: Path) -> None:
    documents = [{"text": "Stew", "kind": "meal"}, "Soup"]
    line = json.dumps({"query": "soup", "documents": documents}).encode()
    assert invoke("rerank", "--template", "{kind}: {text}", stdin=line).err == ""


def test_rerank_rescores_all_documents_unless_a_window_is_given() -> None:
    documents = [{"text": f"cats eat meat {n}", "score": 200 - n} for n in range(120)]
    line = json.dumps({"query": "what cats eat", "documents": documents}).encode()
    every, fewer = invoke("rerank", stdin=line), invoke("rerank", "--window", "5", stdin=line)
    assert every.code == fewer.code == 0, every.err + fewer.err
    rescored = [sum(r["logit"] is not None for r in json.loads(done.out)["results"]) for done in (every, fewer)]
    assert rescored == [120, 5]


def test_rerank_without_a_model_is_wrong_usage() -> None:
    done = invoke("rerank", "--model", "none")
    assert done.code == 2 and "`resift rerank` needs a model; --model none disables it" in done.err


def test_rerank_stops_at_a_bad_line_with_its_number() -> None:
    done = invoke("rerank", stdin=b'{"query": "a", "documents": ["b"]}\nnonsense\n')
    assert (done.code, "line 2: not JSON" in done.error_line) == (1, True), done.err


def test_evaluation_has_the_documented_structure(collection: Path) -> None:
    report = evaluate(str(collection))
    names = {"ndcg@10", "mrr@10", "map", "recall@100"}
    [one] = report["sets"]
    assert (one["name"], one["queries"], report["mode"]) == (collection.name, 3, "end-to-end")
    for part in (one["first_stage"], one["reranked"], report["mean"]["first_stage"], report["mean"]["reranked"]):
        assert set(part) == names
    assert one["first_stage"]["recall@100"] == one["reranked"]["recall@100"] == pytest.approx(2 / 3)


def test_a_split_is_chosen_by_name_and_the_error_names_the_existing_ones(collection: Path) -> None:
    assert evaluate(str(collection), "--split", "dev", "--model", "none")["sets"][0]["queries"] == 1
    done = invoke("evaluate", str(collection), "--split", "train", "--model", "none")
    assert (done.code, "dev, test" in done.error_line) == (1, True), done.err


def test_an_index_has_the_same_evaluation_as_its_folder(collection: Path) -> None:
    files = ["--queries", str(collection / "queries.jsonl"), "--qrels", str(collection / "qrels" / "test.tsv")]
    of_index = evaluate(f"bm25:{collection / 'index'}", *files)["sets"][0]
    of_folder = evaluate(str(collection))["sets"][0]
    assert (of_index["first_stage"], of_index["reranked"]) == (of_folder["first_stage"], of_folder["reranked"])


def test_a_given_run_is_reranked_and_judged(collection: Path, tmp_path: Path) -> None:
    run = tmp_path / "other.trec"
    run.write_text("q1 Q0 bowls 1 2.0 x\nq1 Q0 soup 2 1.0 x\nq2 Q0 gone 1 9.0 x\n")
    done = invoke("evaluate", str(collection), "--run", str(run), "--json", "--fusion", "none")
    [one] = json.loads(done.out)["sets"]
    assert one["first_stage"]["mrr@10"] == pytest.approx(0.5 / 3)
    assert one["reranked"]["mrr@10"] == pytest.approx(1 / 3)
    assert "1 of the run's 3 documents is not in" in done.err
    assert "note: 1 of the 3 judged queries is not in the run and counts 0\n" in done.err


def test_results_contain_both_runs_and_every_query(collection: Path, tmp_path: Path) -> None:
    evaluate(str(collection), "--output", str(tmp_path / "results"))
    values = json.loads((tmp_path / "results" / "per_query.json").read_text())["sets"][collection.name]
    assert set(values) == set(QUERIES)
    assert len(list((tmp_path / "results" / "runs").glob("*.trec"))) == 2


def test_fail_if_worse_exits_with_1_if_the_mean_is_lower(collection: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(collection, copy)
    (copy / "qrels" / "bowls.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tbowls\t1\n")
    (copy / "bowls.trec").write_text("q1 Q0 bowls 1 2.0 x\nq1 Q0 soup 2 1.0 x\n")
    # the run has the judged document first, and the model prefers the other one
    worse = ["evaluate", str(copy), "--split", "bowls", "--run", "bowls.trec", "--fusion", "none"]
    assert invoke(*worse).code == 0
    assert invoke(*worse, "--fail-if-worse").code == 1
    assert invoke(*worse, "--model", "none", "--fail-if-worse").code == 0


def test_ids_with_spaces_are_evaluated_and_a_trec_run_refuses_them(tmp_path: Path) -> None:
    notes = tmp_path / "my notes"
    notes.mkdir()
    (notes / "cat food.md").write_text("# Cat food\nCats eat meat.")
    (notes / "dog food.md").write_text("# Dog food\nDogs eat meat too.")
    index, results = f"bm25:{tmp_path / 'index'}", tmp_path / "results"
    assert invoke("index", str(notes), "--to", index).code == 0
    (tmp_path / "queries.tsv").write_text("q1\twhat do cats eat\n")
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tcat food.md\t1\n")
    files = ["--queries", str(tmp_path / "queries.tsv"), "--qrels", str(tmp_path / "qrels.tsv")]
    report = evaluate(index, *files, "--output", str(results))
    assert report["mean"]["reranked"]["mrr@10"] == 1.0
    runs = [json.loads(path.read_text()) for path in (results / "runs").glob("*.json")]
    assert [set(run["q1"]) for run in runs] == [{"cat food.md", "dog food.md"}] * 2
    done = invoke("run", index, "--queries", str(tmp_path / "queries.tsv"), "--output", str(tmp_path / "run.trec"))
    assert (done.code, "white space" in done.error_line) == (1, True)
    assert not (tmp_path / "run.trec").exists()


def test_a_load_notes_that_its_connection_is_not_secure(collection: Path, tmp_path: Path) -> None:
    unreachable = "http://0.0.0.0:9/articles"  # nothing listens on port 9, and 0.0.0.0 is not known as this machine
    options = ["--flavour", "elasticsearch", "--max-retries", "0", "--no-verify-certs", "--state", str(tmp_path)]
    done = invoke("index", str(collection), "--to", unreachable, *options, env={"RESIFT_API_KEY": "k3y"})
    assert done.code == 1 and "no connection" in done.err and "k3y" not in done.err
    assert "note: the engine's certificate is not verified (--verify-certs is off)\n" in done.err
    assert "note: credentials are sent unencrypted over http://; use https://\n" in done.err


def test_words_are_marked_by_the_analysis_of_the_index(tmp_path: Path) -> None:
    (tmp_path / "de.jsonl").write_text('{"id": "1", "text": "Das Haus und die Häuser der Stadt"}\n')
    index = f"bm25:{tmp_path / 'index'}"
    assert invoke("index", str(tmp_path / "de.jsonl"), "--to", index, "--language", "german").code == 0
    assert "*Häuser*" in invoke("search", index, "häusern", "--model", "none").out


def test_resift_without_arguments_prints_the_help_and_is_wrong_usage() -> None:
    bare, requested = invoke(), invoke("--help")
    assert (bare.out, bare.err, bare.code, requested.code) == (requested.out, "", 2, 0)
    assert "Usage: resift [OPTIONS] COMMAND [ARGS]...\n" in bare.out
    assert "\n  index       Load a document collection into an index.\n" in bare.out


def test_completion_scripts_are_for_this_command() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_RESIFT_COMPLETE" in invoke("completion", shell).out


def test_a_closed_pipe_is_not_an_error(collection: Path) -> None:
    code = "from resift.rerank.cli.main import main; main()"
    search = [sys.executable, "-c", code, "run", f"bm25:{collection / 'index'}", "--model", "none"]
    search += ["--queries", str(collection / "queries.jsonl"), "--output", "-"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(search, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
