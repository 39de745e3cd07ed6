"""Loading into a real engine: every document once, and a list of those that the engine refused."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engine.engines import ask
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]
KILLED_COUNT = 300_000


def corpus(folder: Path, rows: list[dict[str, object]]) -> str:
    path = folder / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def many(count: int) -> list[dict[str, object]]:
    return [{"id": f"d{n}", "title": f"title {n}", "text": f"word{n % 7} and word{n}", "year": n} for n in range(count)]


def load(source: str, target: str, folder: Path, *options: str) -> Any:  # noqa: ANN401
    done = invoke("index", source, "--to", target, "--state", str(folder / "state"), *options, "--json")
    return done, (json.loads(done.out) if done.out else None)


def count(target: str) -> int:
    ask("POST", f"{target}/_refresh")
    return int(str(ask("GET", f"{target}/_count")["count"]))


def test_a_collection_is_loaded_and_the_index_gets_its_final_settings(target: str, tmp_path: Path) -> None:
    source = corpus(tmp_path, many(2500))
    done, report = load(source, target, tmp_path, "--bulk-documents", "100", "--replicas", "0")
    assert done.code == 0, done.err
    assert (report["documents"], report["refused"], report["repeated"]) == (2500, 0, 0)
    assert count(target) == 2500
    [index] = ask("GET", target).values()
    assert isinstance(index, dict)
    settings = index["settings"]["index"]
    assert "refresh_interval" not in settings and settings["number_of_replicas"] == "0"
    assert settings["similarity"]["default"] == {"type": "BM25", "k1": "1.2", "b": "0.75"}
    assert not list((tmp_path / "state").glob("*.load.json"))


def test_an_existing_index_is_not_changed_without_overwrite(target: str, tmp_path: Path) -> None:
    load(corpus(tmp_path, many(5)), target, tmp_path)
    done, _ = load(corpus(tmp_path, many(3)), target, tmp_path)
    assert done.code == 1 and "exists" in done.error_line and "--overwrite" in done.error_line
    assert count(target) == 5
    done, report = load(corpus(tmp_path, many(3)), target, tmp_path, "--overwrite")
    assert (done.code, report["documents"], count(target)) == (0, 3, 3)


def test_a_refused_document_is_listed_and_the_others_are_indexed(target: str, tmp_path: Path) -> None:
    rows = many(300)
    rows[150]["year"] = "nineteen eighty"  # a mapping conflict in the middle
    rows[200]["id"] = "x" * 600  # longer than engines allow
    done, report = load(corpus(tmp_path, rows), target, tmp_path, "--bulk-documents", "40")
    assert done.code == 1 and "refused 2 documents" in done.err
    refused = [json.loads(line) for line in Path(report["refusals"]).read_text().splitlines()]
    assert {one["doc_id"] for one in refused} == {"d150", "x" * 600}
    assert all(one["reason"] and one["status"] == 400 for one in refused)
    assert count(target) == report["documents"] == 298


def test_a_killed_load_resumes_where_it_stopped(target: str, tmp_path: Path) -> None:
    source = corpus(tmp_path, many(KILLED_COUNT))
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "from resift.rerank.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, "index", source, "--to", target, "--state", str(tmp_path / "state")]
    command += ["--bulk-documents", "100", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    moments = random.Random(4)
    reached = 0
    for attempt in range(20):
        options = ["--resume"] if attempt else []
        process = subprocess.Popen([*command, *options], env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while entries_done(tmp_path) <= reached and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(moments.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached = entries_done(tmp_path)
        assert 0 < reached < KILLED_COUNT
    done, report = load(source, target, tmp_path, "--resume")
    assert done.code == 0, done.err
    assert report["resumed_at"] == reached
    assert count(target) == report["documents"] == KILLED_COUNT


def entries_done(folder: Path) -> int:
    for path in (folder / "state").glob("*.load.json"):
        return int(json.loads(path.read_text())["done"])
    return 0


@pytest.mark.parametrize("block", ["write", "read_only_allow_delete"])  # the latter is set when the disk is full
def test_a_blocked_index_stops_the_load_and_resume_completes_it(
    engine: str, name: str, target: str, tmp_path: Path, block: str
) -> None:
    template = {"index_patterns": [f"{name}*"], "template": {"settings": {f"index.blocks.{block}": True}}}
    ask("PUT", f"{engine}/_index_template/{name}", template)
    source = corpus(tmp_path, many(500))
    done, _ = load(source, target, tmp_path)
    ask("DELETE", f"{engine}/_index_template/{name}")
    assert done.code == 1 and "rejects writes" in done.error_line and "--resume" in done.error_line
    ask("PUT", f"{target}/_settings", {f"index.blocks.{block}": None})
    done, report = load(source, target, tmp_path, "--resume")
    assert (done.code, report["documents"], count(target)) == (0, 500, 500)


def test_resume_refuses_another_source(target: str, tmp_path: Path) -> None:
    done, _ = load(corpus(tmp_path, many(3)), target, tmp_path, "--resume")
    assert done.code == 1 and "nothing to resume for this target" in done.error_line


def test_an_alias_is_moved_in_one_request_and_older_indices_are_kept(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    alias = f"{name}-live"
    names = []
    for size in (3, 4, 5):
        done, report = load(corpus(tmp_path, many(size)), target, tmp_path, "--alias", alias, "--keep", "1")
        assert done.code == 0, done.err
        names.append(report["index"])
        assert list(ask("GET", f"{engine}/{alias}")) == [report["index"]]
        assert count(f"{engine}/{alias}") == size
    assert sorted(ask("GET", f"{engine}/{name}-2*")) == names[1:]


def test_an_alias_is_not_moved_to_an_index_with_refused_documents_unless_allowed(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    alias = f"{name}-live"
    first = load(corpus(tmp_path, many(3)), target, tmp_path, "--alias", alias)[1]["index"]
    rows: list[dict[str, object]] = [*many(3), {"id": "bad", "text": "x", "year": "not a year"}]
    done, report = load(corpus(tmp_path, rows), target, tmp_path, "--alias", alias)
    assert done.code == 1 and "was not moved" in done.error_line and "1 × failed to parse" in done.error_line
    assert list(ask("GET", f"{engine}/{alias}")) == [first] and not report["swapped"]
    done, report = load(
        str(tmp_path / "corpus.jsonl"), target, tmp_path, "--alias", alias, "--resume", "--allow-refused"
    )
    assert done.code == 1 and report["swapped"] and f"{alias} pointed to {first} before" in done.err
    assert list(ask("GET", f"{engine}/{alias}")) == [report["index"]] and report["documents"] == 3


def test_flags_without_effect_are_rejected(target: str, tmp_path: Path) -> None:
    source = corpus(tmp_path, many(3))
    for flags, part in (
        (["--keep", "2"], "need --alias"),
        (["--allow-refused"], "need --alias"),
        (["--alias", "x", "--overwrite"], "does not overwrite"),
    ):
        done, _ = load(source, target, tmp_path, *flags)
        assert done.code == 2 and part in done.error_line


def test_the_index_of_a_stopped_load_does_not_count_as_a_kept_one(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    alias = f"{name}-live"
    names = [load(corpus(tmp_path, many(3)), target, tmp_path, "--alias", alias)[1]["index"]]
    (tmp_path / "bad.jsonl").write_text('{"id": "1", "text": "x"}\n' * 1 + "not json\n")
    done, _ = load(str(tmp_path / "bad.jsonl"), target, tmp_path, "--alias", alias)
    assert done.code == 1
    names.append(load(corpus(tmp_path, many(5)), target, tmp_path, "--alias", alias, "--keep", "1")[1]["index"])
    there = sorted(ask("GET", f"{engine}/{name}-2*"))
    assert there[0] == names[0] and there[-1] == names[1] and len(there) == 3  # the incomplete one is never removed
    done, _ = load(corpus(tmp_path, many(3)), target, tmp_path, "--alias", "a b")
    assert done.code == 1 and "is not a valid alias" in done.error_line


def test_field_names_that_engines_reject_are_changed(target: str, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": "1", "text": "x", "": "5", " ": "6", "a..b": "7", "_id": "8", "c.": "9"}]
    done, report = load(corpus(tmp_path, rows), target, tmp_path, "--id-field", "id")
    assert done.code == 0, done.err
    source = ask("GET", f"{target}/_doc/1")["_source"]
    assert isinstance(source, dict) and source["field_a.b"] == "7" and source["field_c"] == "9"


def test_a_load_that_cannot_succeed_fails_before_anything_changes(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    load(corpus(tmp_path, many(5)), target, tmp_path)
    done, _ = load(corpus(tmp_path, []), target, tmp_path, "--overwrite")
    assert done.code == 1 and "contains no documents" in done.error_line
    (tmp_path / "bad.jsonl").write_text("not json\n")
    done, _ = load(str(tmp_path / "bad.jsonl"), target, tmp_path, "--overwrite")
    assert done.code == 1 and "bad.jsonl, line 1" in done.error_line
    done, _ = load(corpus(tmp_path, many(3)), target, tmp_path, "--alias", name)
    assert done.code == 1 and "is an index, not an alias" in done.error_line
    assert count(target) == 5
    assert list(ask("GET", f"{engine}/{name}*")) == [name]


def test_passages_of_documents_with_the_same_id_are_not_mixed(target: str, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": "x", "text": "one"}, {"id": "x", "text": "two " * 9}]
    done, _ = load(corpus(tmp_path, rows), target, tmp_path, "--passage-words", "4")
    assert done.code == 1 and "already used by an earlier record" in done.error_line


def test_long_documents_become_passages_and_are_found_as_documents(target: str, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": "long", "title": "T", "text": "filler " * 120 + "needle " + "filler " * 120},
        {"id": "short", "text": "a needle"},
    ]
    done, report = load(corpus(tmp_path, rows), target, tmp_path, "--passage-words", "50", "--passage-overlap", "10")
    assert done.code == 0 and report["documents"] == 7
    found = json.loads(invoke("search", target, "needle", "--model", "none", "--json").out)["hits"]
    assert {hit["doc_id"] for hit in found} == {"long", "short"}
    assert "needle" in next(hit["text"] for hit in found if hit["doc_id"] == "long")
    (tmp_path / "body.json").write_text('{"query": {"match": {"text": "filler {{query}}"}}}')
    own = invoke("search", target, "needle", "--model", "none", "--json", "--query-file", str(tmp_path / "body.json"))
    assert sorted(hit["doc_id"] for hit in json.loads(own.out)["hits"]) == ["long", "short"]


def test_an_interrupted_load_prints_how_to_resume(target: str, tmp_path: Path) -> None:
    source = corpus(tmp_path, many(100_000))
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "from resift.rerank.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, "index", source, "--to", target, "--state", str(tmp_path / "state")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "--bulk-documents", "100"], env=environment, stderr=subprocess.PIPE, text=True
    )
    while not entries_done(tmp_path) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    printed = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "with --resume continues" in printed and "Traceback" not in printed, printed
    done, report = load(source, target, tmp_path, "--resume", "--replicas", "0")
    assert done.code == 0 and report["documents"] == count(target) == 100_000


def test_a_language_without_an_analyzer_is_noted(target: str, tmp_path: Path) -> None:
    done, _ = load(corpus(tmp_path, many(3)), target, tmp_path, "--language", "yiddish")
    assert done.code == 0 and "no analyzer for yiddish" in done.err
