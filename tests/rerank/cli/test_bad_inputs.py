"""Wrong input and failures of the environment: one clear line and an exit code, or the right result."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from resift.rerank.scorers.registry import MODELS
from tests.rerank.cli.invoke import assert_one_line, invoke

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("broken.jsonl", b'{"id": "a", "text": "x"}\n{"id": "b", "te', ["line 2", "not JSON"]),
        ("list.jsonl", b"[1, 2]\n", ["line 1", "element 1 of the array is a JSON number; expected an object"]),
        ("latin.jsonl", b'{"id": "a", "text": "caf\xe9"}\n', ["line 1", "not utf-8", "--encoding"]),
        ("noid.jsonl", b'{"id": "a", "text": "x"}\n{"key": "b", "text": "x"}\n', ["no id", "'key'", "--id-field"]),
        ("notext.jsonl", b'{"id": "a", "words": "x"}\n', ["no text", "'words'", "--text-field"]),
        ("empty-text.jsonl", b'{"id": "a", "text": "  "}\n', ["line 1", "text is empty"]),
        ("twice.jsonl", b'{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}\n', ["line 2", "'a'", "once"]),
        ("empty.jsonl", b"", ["contains no documents"]),
        ("number.jsonl", b'{"id": 1.5, "text": "x"}\n', ["id is a fraction"]),
        ("short.csv", b"id,text\na\n", ["line 2", "1 column; expected 2"]),
        ("quote.csv", b'id,text\na,"never closed\n', ["quote"]),
        ("column.csv", b"key,body text\na,x\n", ["'body text'", "--text-field"]),
        (
            "half.jsonl.gz",
            gzip.compress(b"".join(b'{"id": %d, "text": "x"}\n' % i for i in range(500)))[:-20],
            ["gzip"],
        ),
        ("noise.parquet", b"PAR1 no parquet at all PAR1", ["Parquet"]),
        ("table.xlsx", b"PK", ["the extension '.xlsx' is not known", "--format"]),
    ],
)
def test_a_broken_corpus_is_refused_with_its_place_and_no_index_is_left(
    tmp_path: Path, name: str, content: bytes, parts: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    done = invoke("index", str(tmp_path / name), "--to", f"bm25:{tmp_path / 'index'}")
    assert_one_line(done, 1, name, *parts)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_bad_records_are_left_out_counted_and_written_on_request(tmp_path: Path) -> None:
    source, skipped = tmp_path / "some.jsonl", tmp_path / "skipped.jsonl"
    source.write_bytes(
        b'{"id": "a", "text": "x"}\n{"id": "b"\n\xff\n{"id": "a", "text": "y"}\n{"id": "c", "text": "z"}\n'
    )
    target = f"bm25:{tmp_path / 'index'}"
    done = invoke("index", str(source), "--to", target, "--skip-bad", "--skipped-file", str(skipped), "--json")
    report = json.loads(done.out)
    assert (done.code, report["documents"], report["skipped"]) == (0, 2, 3)
    assert [json.loads(line)["line"] for line in skipped.read_text().splitlines()] == [2, 3, 4]


@pytest.mark.parametrize("line", ['{"id": "b"', '{"id": "b"}', '{"id": "a", "text": "y"}'])
def test_the_error_at_a_bad_record_ends_with_how_to_skip_it(tmp_path: Path, line: str) -> None:
    source = tmp_path / "some.jsonl"
    source.write_text('{"id": "a", "text": "x"}\n' + line + "\n")
    done = invoke("index", str(source), "--to", f"bm25:{tmp_path / 'index'}")
    assert_one_line(done, 1, "line 2")
    assert done.error_line.endswith(" (indexing with --skip-bad leaves bad records out)")


def test_a_corpus_with_only_bad_records_is_refused_although_they_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{\n{\n")
    done = invoke("index", str(tmp_path / "bad.jsonl"), "--to", f"bm25:{tmp_path / 'index'}", "--skip-bad")
    assert_one_line(done, 1, "every record is bad", "2")


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("nowhere.jsonl", ["does not exist"]),
        ("ir_datasets:no/such/set", ["no/such/set"]),
        ("nanobeir:NoSuchSet", ["nanobeir"]),
    ],
)
def test_a_source_that_does_not_exist_is_named(tmp_path: Path, source: str, parts: list[str]) -> None:
    done = invoke("index", source, "--to", f"bm25:{tmp_path / 'index'}", env={"HF_HUB_OFFLINE": "1"})
    assert (done.code, list(tmp_path.iterdir())) == (1, []), done.err
    assert all(part.lower() in done.error_line.lower() for part in parts), done.err


def test_an_existing_index_is_overwritten_only_on_request(tmp_path: Path, index: str) -> None:
    (tmp_path / "one.jsonl").write_text('{"id": "new", "text": "other"}\n')
    assert_one_line(invoke("index", str(tmp_path / "one.jsonl"), "--to", index), 1, "overwrite")
    assert '"d1"' in invoke("search", index, "lentils", "--json", "--model", "none").out


@pytest.mark.parametrize("target", ["file", "folder"])
def test_a_target_that_is_not_an_index_is_never_overwritten(tmp_path: Path, target: str) -> None:
    (tmp_path / "one.jsonl").write_text('{"id": "new", "text": "other"}\n')
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "precious.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    done = invoke("index", str(tmp_path / "one.jsonl"), "--to", f"bm25:{tmp_path / target}", "--overwrite")
    assert_one_line(done, 1, str(tmp_path / target))
    assert (tmp_path / "folder" / "precious.txt").read_text() == (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("source", "target"),
    [("notes", "notes"), ("notes/one.md", "notes/one.md"), ("notes/one.md", "notes"), ("notes", "notes/one.md")],
)
@pytest.mark.parametrize("flags", [[], ["--overwrite"]])
def test_an_index_on_its_own_source_is_refused_without_advice_to_remove_it(
    tmp_path: Path, source: str, target: str, flags: list[str]
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "one.md").write_text("mine")
    done = invoke("index", str(tmp_path / source), "--to", f"bm25:{tmp_path / target}", "--format", "folder", *flags)
    assert_one_line(done, 1, "is not an index", "is it the source?", f"such as {tmp_path / target}-index")
    assert "remove" not in done.err
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["mine"]


def test_a_target_that_cannot_be_written_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"id": "new", "text": "other"}\n')
    assert_one_line(invoke("index", str(tmp_path / "one.jsonl"), "--to", "bm25:/proc/no/index"), 1, "/proc/no/index")


@pytest.mark.parametrize(
    ("target", "code", "parts"),
    [
        ("bm25:no-such-index", 1, ["no-such-index", "resift index"]),
        ("ftp:thing", 2, ["unknown scheme", "bm25:"]),
        ("bm25:", 2, ["names no index"]),
        ("neither", 2, ["neither", "bm25:PATH"]),
    ],
)
def test_an_index_that_does_not_exist_is_named_with_what_to_do(target: str, code: int, parts: list[str]) -> None:
    assert_one_line(invoke("search", target, "soup", "--model", "none"), code, *parts)


def test_a_folder_that_is_not_an_index_and_a_damaged_index_are_refused(tmp_path: Path, index: str) -> None:
    assert_one_line(invoke("search", f"bm25:{tmp_path}", "soup", "--model", "none"), 1, str(tmp_path))
    copy = tmp_path / "copy"
    shutil.copytree(index.removeprefix("bm25:"), copy)
    largest = max(copy.iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-7])
    assert_one_line(invoke("search", f"bm25:{copy}", "soup", "--model", "none"), 1, "resift index")


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_an_empty_query_is_a_usage_error(index: str, query: str) -> None:
    assert_one_line(invoke("search", index, query), 2, "query is empty")


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("soup lentils " * 8_000, "d1"),
        ("\udcff\udc80 lentils", "d1"),
        ("مرحبا بالعالم", "d3"),
        ("🙂 tomatoes", "d3"),
        ("lentils\x00\x1b[31m", "d1"),
        ('"quoted" AND (lentils OR {"a": 1})', "d1"),
        ("ＬＥＮＴＩＬＳ lentils", "d1"),
    ],
)
def test_unusual_queries_find_the_right_document(index: str, query: str, first: str) -> None:
    done = invoke("search", index, query, "--json")
    assert done.code == 0, done.err
    hits = json.loads(done.out)["hits"]
    assert hits[0]["doc_id"] == first


@pytest.mark.parametrize("query", ["the of and", "zzzz qqqq", "?!…", "۝"])
def test_a_query_that_matches_nothing_is_reported_and_is_not_an_error(index: str, query: str) -> None:
    assert json.loads(invoke("search", index, query, "--json").out)["hits"] == []
    done = invoke("search", index, query)
    assert (done.code, "Nothing in the index matches" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("flags", "code", "parts"),
    [
        (["--model", "no-such-model"], 1, ["no-such-model", "expected default"]),
        (["--model", "/nowhere/at/all"], 1, ["/nowhere/at/all"]),
        (["--depth", "0"], 2, ["depth"]),
        (["--depth", "many"], 2, ["--depth", "not a valid integer"]),
        (["--window", "-1"], 2, ["window"]),
        (["--top", "0"], 2, ["top", "below 1"]),
        (["--fusion-weight", "2"], 2, ["fusion_weight"]),
        (["--fusion-weight", "nan"], 2, ["fusion_weight"]),
        (["--template", "{"], 2, ["template"]),
        (["--max-length", "3"], 2, ["max_length"]),
        (["--max-length", "100000"], 2, ["max_length"]),
        (["--batch-tokens", "0"], 2, ["batch_tokens"]),
        (["--threads", "100000"], 2, ["threads"]),
        (["--threads", "0"], 2, ["threads"]),
        (["--device", "tpu"], 2, ["device"]),
        (["--no-such-flag"], 2, ["--no-such-flag"]),
    ],
)
def test_a_wrong_flag_gives_one_line(index: str, flags: list[str], code: int, parts: list[str]) -> None:
    assert_one_line(invoke("search", index, "soup", *flags), code, *parts)


@pytest.mark.parametrize(
    ("file", "keep", "parts"),
    [
        ("model.onnx", 1000, ["model.onnx is not the file that was exported", "download it again"]),
        ("model.onnx", 0, ["model.onnx is not the file that was exported"]),
        ("vocab.txt", 100, ["vocab.txt"]),
        ("config.json", 10, ["config.json"]),
    ],
)
def test_damaged_weights_give_one_line(tmp_path: Path, index: str, file: str, keep: int, parts: list[str]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ROOT / "rerank" / "models" / MODELS["resift-small"], folder)
    (folder / file).write_bytes((folder / file).read_bytes()[:keep])
    assert_one_line(invoke("search", index, "soup", "--model", str(folder)), 1, *parts)


def test_an_unknown_command_is_a_usage_error() -> None:
    assert_one_line(invoke("serach", "x"), 2, "serach")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["--queries"]),
        (["--queries", "q.tsv"], ["--qrels"]),
        (["--queries", "q.tsv", "--qrels", "none.tsv"], ["none.tsv", "does not exist"]),
        (["--queries", "none.tsv", "--qrels", "qrels.tsv"], ["none.tsv", "does not exist"]),
        (["--queries", "q.tsv", "--qrels", "other.tsv"], ["none of the queries is judged"]),
        (["--queries", "q.tsv", "--qrels", "grades.tsv"], ["grades.tsv", "line 2", "whole number"]),
        (["--queries", "twice.tsv", "--qrels", "qrels.tsv"], ["twice.tsv", "line 2"]),
        (["--queries", "q.tsv", "--qrels", "qrels.tsv", "--run", "x"], ["--run"]),
        (["--queries", "q.tsv", "--qrels", "qrels.tsv", "--mode", "comparable"], ["comparable"]),
        (["--queries", "q.tsv", "--qrels", "qrels.tsv", "--k1", "0.9"], ["--k1", "would have no effect"]),
    ],
)
def test_an_evaluation_with_missing_or_wrong_input_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: str, arguments: list[str], parts: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("q.tsv").write_text("1\tlentils\n")
    Path("twice.tsv").write_text("1\tlentils\n1\tsoup\n")
    Path("qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\td1\t1\n")
    Path("other.tsv").write_text("query-id\tcorpus-id\tscore\n9\td1\t1\n")
    Path("grades.tsv").write_text("query-id\tcorpus-id\tscore\n1\td1\thigh\n")
    done = invoke("evaluate", index, "--model", "none", *arguments)
    assert done.code in (1, 2)
    assert_one_line(done, done.code, *parts)


def test_a_run_file_that_cannot_be_written_gives_one_line(tmp_path: Path, index: str) -> None:
    (tmp_path / "q.txt").write_text("lentils\n")
    done = invoke("run", index, "--queries", str(tmp_path / "q.txt"), "--output", "/proc/run.trec", "--model", "none")
    assert_one_line(done, 1, "/proc/run.trec")


def test_an_evaluation_folder_that_cannot_be_written_gives_one_line(tmp_path: Path, index: str) -> None:
    (tmp_path / "q.tsv").write_text("1\tlentils\n")
    (tmp_path / "qrels.tsv").write_text("1 0 d1 1\n")
    files = ["--queries", str(tmp_path / "q.tsv"), "--qrels", str(tmp_path / "qrels.tsv")]
    done = invoke("evaluate", index, *files, "--model", "none", "--output", "/proc/no/results")
    assert_one_line(done, 1, "/proc/no/results")
