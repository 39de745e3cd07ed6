"""`resift evaluate` reports its conditions, and ids that do not match."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rerank.cli.invoke import assert_one_line, invoke


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BEIR folder of two documents and two queries, with qrels/dev.tsv and an index beside it."""
    folder = tmp_path_factory.mktemp("collection")
    texts = {"soup": "Simmer red lentils with onion.", "bowls": "Four bowls for soup and stew."}
    queries = {"q1": "how to cook lentil soup", "q2": "a bowl for stew"}
    for name, given in (("corpus", texts), ("queries", queries)):
        lines = [json.dumps({"_id": one, "text": text}) + "\n" for one, text in given.items()]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    (folder / "qrels").mkdir()
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tsoup\t1\nq2\tbowls\t1\n")
    assert invoke("index", str(folder), "--to", f"bm25:{folder / 'index'}").code == 0
    return folder


def test_results_contain_all_settings_that_determine_the_figures(collection: Path, tmp_path: Path) -> None:
    (tmp_path / "a.trec").write_text("q1 Q0 bowls 1 2.0 x\n")
    flags = ["--split", "dev", "--window", "7", "--max-length", "64", "--fusion-weight", "0.25"]
    run = ["--run", str(tmp_path / "a.trec")]
    wanted = {"split": "dev", "rank_window_size": 7, "max_length": 64, "fusion": "zscore-read", "fusion_weight": 0.25}
    for given, more in ((run, {"run": run[1], "bm25": None}), (["--k1", "0.9"], {"run": None})):
        done = invoke("evaluate", str(collection), *flags, *given, "--output", str(tmp_path / "results"), "--json")
        report = json.loads(done.out)
        per_query = json.loads((tmp_path / "results" / "per_query.json").read_text())
        for content in (report, per_query):
            assert {**content, **wanted, **more} == content
    assert report["bm25"]["k1"] == 0.9


def test_the_heading_of_a_given_run_names_it(collection: Path, tmp_path: Path) -> None:
    (tmp_path / "a.trec").write_text("q1 Q0 bowls 1 2.0 x\n")
    done = invoke("evaluate", str(collection), "--run", str(tmp_path / "a.trec"), "--model", "none")
    heading = "".join(done.out.split())  # the terminal breaks a long path
    assert heading.startswith(f"end-to-end:thegivenrun{str(tmp_path / 'a.trec')!r},nothingadded")
    assert "our own first stage" not in done.out
    assert invoke("evaluate", str(collection), "--model", "none").out.startswith("end-to-end: our own first stage")


def test_judgements_of_documents_that_are_not_in_the_index_are_reported(collection: Path, tmp_path: Path) -> None:
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tDOC-1\t1\nq9\tDOC-2\t1\n")
    files = ["--queries", str(collection / "queries.jsonl"), "--qrels", str(tmp_path / "qrels.tsv")]
    done = invoke("evaluate", f"bm25:{collection / 'index'}", *files, "--model", "none")
    assert done.code == 0
    assert "note: 1 of the 2 judged queries is not among the queries and counts 0\n" in done.err
    assert "note: none of the judged documents was found" in done.err and "'DOC-1'" in done.err


def test_matching_ids_are_not_reported(collection: Path) -> None:
    assert invoke("evaluate", str(collection)).err == ""


def test_queries_and_judgements_without_a_common_id_are_an_error(collection: Path, tmp_path: Path) -> None:
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n01\tsoup\t1\n")
    files = ["--queries", str(collection / "queries.jsonl"), "--qrels", str(tmp_path / "qrels.tsv")]
    done = invoke("evaluate", f"bm25:{collection / 'index'}", *files, "--model", "none")
    assert_one_line(done, 1, "none of the queries is judged", "'q1'", "'01'")


def test_the_table_shows_the_interval_the_wins_the_ties_and_the_losses(collection: Path) -> None:
    done = invoke("evaluate", str(collection), "--model", "none", env={"COLUMNS": "80"})
    assert [collection.name, "+0.0000", "[+0.0000,", "+0.0000]", "0", "2", "0"] in map(str.split, done.out.splitlines())
    assert max(map(len, done.out.splitlines())) <= 80


def judged(folder: Path, rows: str) -> list[str]:
    """Return a command line that reranks a run with `bowls` first, judged by `rows` of query, document and grade."""
    (folder / "a.trec").write_text("q1 Q0 bowls 1 2.0 x\nq1 Q0 soup 2 1.0 x\n")
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "simmer red lentils <b>"}\n')
    (folder / "corpus.jsonl").write_text(
        '{"_id": "soup", "title": "Lentil soup", "text": "Simmer red lentils with onion."}\n'
        '{"_id": "bowls", "text": "Four bowls for <i>soup</i> and stew."}\n'
    )
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return ["evaluate", str(folder), "--run", str(folder / "a.trec"), "--fusion", "none"]


def test_worst_lists_helped_and_hurt_queries_with_the_ranks_of_their_documents(tmp_path: Path) -> None:
    command = judged(tmp_path, "q1\tsoup\t1\n")
    out = invoke(*command, "--worst", "3").out
    assert f"{tmp_path.name}: no query was hurt\n" in out
    assert "0.6309 -> 1.0000  q1  simmer red lentils <b>\n    2 -> 1, grade 1: soup Lentil soup\n" in out
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tbowls\t1\n")
    report = json.loads(invoke(*command, "--worst", "3", "--json").out)
    [hurt] = report["hurt"][tmp_path.name]
    assert (hurt["query_id"], hurt["before"], hurt["after"]) == ("q1", 1.0, pytest.approx(0.63093, abs=1e-5))
    assert [(one["doc_id"], one["before"], one["after"]) for one in hurt["documents"]] == [("bowls", 1, 2)]
    assert report["helped"] == {tmp_path.name: []}
    assert "hurt" not in json.loads(invoke(*command, "--json").out)


def test_the_report_is_written_in_the_form_that_its_name_says_and_beside_the_results(tmp_path: Path) -> None:
    command = judged(tmp_path, "q1\tsoup\t1\n")
    places = ["--report", str(tmp_path / "new" / "r.html"), "--output", str(tmp_path / "results")]
    assert invoke(*command, *places).code == 0
    page = (tmp_path / "new" / "r.html").read_text()
    assert "simmer red lentils &lt;b&gt;" in page and "2 -&gt; 1, grade 1: soup Lentil soup" in page
    assert (tmp_path / "results" / "report.html").read_text() == page
    assert "| simmer red lentils &lt;b><br>q1 | 0.6309 | 1.0000 |" in (tmp_path / "results" / "report.md").read_text()


@pytest.mark.parametrize(
    ("flags", "code", "part"),
    [
        (["--report", "r.pdf"], 2, "expected a name that ends in .html or .md"),
        (["--report", ""], 2, "expected a name"),
        (["--report", "folder.md"], 2, "is a folder"),
        (["--report", "file/r.md"], 1, "cannot be written there"),
        (["--worst", "0"], 2, "--worst"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], code: int, part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.md").mkdir()
    Path("file").touch()
    done = invoke("evaluate", "no-such-collection", *flags)
    assert_one_line(done, code, part)


@pytest.mark.parametrize("columns", ["60", "79", "80"])
def test_an_evaluation_fits_the_terminal(tmp_path: Path, columns: str) -> None:
    done = invoke(*judged(tmp_path, "q1\tsoup\t1\n"), "--worst", "1", env={"COLUMNS": columns})
    assert "+0.3691 *" in done.out
    assert max(map(len, done.out.splitlines())) <= int(columns), done.out


def test_a_run_for_an_index_is_refused_with_the_way_out_and_leaves_no_folder(collection: Path, tmp_path: Path) -> None:
    target, output = f"bm25:{collection / 'index'}", tmp_path / "new" / "results"
    done = invoke("evaluate", target, "--run", "a.trec", "--output", str(output), "--report", f"{output}/r.html")

    assert_one_line(done, 2, "name a folder with the corpus, the queries and their judgements")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays_when_an_evaluation_fails(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()

    assert invoke("evaluate", str(tmp_path / "none"), "--output", str(tmp_path / "mine" / "new")).code != 0
    assert list(tmp_path.rglob("*")) == [tmp_path / "mine"]
