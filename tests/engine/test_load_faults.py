"""Loads with faults: lost responses, other loaders, and an index that changed in the meantime."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from resift.indexer.engine.checkpoint import CheckpointFile
from resift.indexer.engine.load import Loader, LoadRequest
from resift.indexer.engine.settings import LoadSettings
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import connect
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document
from tests.engine.engines import ask
from tests.engine.recorder import recording
from tests.engine.test_load import corpus, count, load, many

pytestmark = pytest.mark.engine


def stopped(target: str, folder: Path) -> str:
    """Run a load that stops at a record that cannot be read; return its source."""
    path = folder / "corpus.jsonl"
    lines = [json.dumps(row) + "\n" for row in many(300)]
    path.write_text("".join([*lines[:150], "not json\n", *lines[150:]]))
    done, _ = load(str(path), target, folder, "--bulk-documents", "50", "--replicas", "0")
    assert done.code == 1 and "line 151" in done.error_line and "--resume --skip-bad continues" in done.err
    [state] = (folder / "state").glob("*.load.json")
    assert json.loads(state.read_text())["done"] == 100  # requests in progress were completed
    return str(path)


def resume(target: str, folder: Path) -> Any:  # noqa: ANN401
    return load(str(folder / "corpus.jsonl"), target, folder, "--resume", "--skip-bad", "--replicas", "0")


def test_after_lost_responses_requests_are_retried_and_nothing_is_duplicated(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    source = corpus(tmp_path, many(3000))
    with recording(engine, lambda path, number, data: None if number % 3 == 0 else data) as (proxy, seen):
        options = ["--bulk-documents", "100", "--replicas", "0", "--alias", f"{name}-live", "--keep", "0"]
        for _ in range(2):
            done, report = load(source, f"{proxy}/{name}", tmp_path, *options)
            assert done.code == 0, done.err
            assert (report["documents"], report["refused"], report["repeated"]) == (3000, 0, 0)
    assert sum(path.endswith("/_bulk") for _, path in seen) > 60  # some were retried
    assert list(ask("GET", f"{engine}/{name}-2*")) == [report["index"]] == list(ask("GET", f"{engine}/{name}-live"))
    assert count(f"{engine}/{name}-live") == 3000


def test_a_different_document_with_the_same_id_is_refused_and_listed(target: str, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [*many(120), {"id": "d7", "text": "another one"}]
    done, report = load(corpus(tmp_path, rows), target, tmp_path, "--bulk-documents", "50")
    assert done.code == 1 and (report["documents"], report["refused"]) == (120, 1)
    [refused] = [json.loads(line) for line in Path(report["refusals"]).read_text().splitlines()]
    assert (refused["doc_id"], refused["status"]) == ("d7", 409) and "was loaded before" in refused["reason"]
    assert "word7" in str(ask("GET", f"{target}/_doc/d7"))  # the first one stays


def test_an_exact_duplicate_is_indexed_once_and_is_not_an_error(target: str, tmp_path: Path) -> None:
    done, report = load(corpus(tmp_path, [*many(120), *many(3)]), target, tmp_path, "--bulk-documents", "50")
    assert done.code == 0 and "3 documents are repeated word for word" in done.err
    assert (report["documents"], report["refused"], report["repeated"]) == (120, 0, 3)


def test_two_loaders_of_one_index_at_once_do_not_mix(target: str, tmp_path: Path) -> None:
    address = read_address(target)

    def attempt(number: int) -> int | str:
        documents = [Document(f"{number}-{n}", "text") for n in range(500)]
        loader = Loader(connect(address), address, Bm25Settings(), LoadSettings(replicas=0))
        try:
            return loader.load(documents, LoadRequest("memory", state=tmp_path / str(number))).documents
        except IndexingError as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(attempt, range(3)))
    assert sorted(one for one in found if isinstance(one, int)) == [500] and count(target) == 500
    assert all("exists" in one or "created by another process" in one for one in found if isinstance(one, str))


def test_a_second_load_of_a_target_fails_while_the_first_holds_the_lock(target: str, tmp_path: Path) -> None:
    with CheckpointFile(tmp_path / "state", str(read_address(target))).locked():
        done, _ = load(corpus(tmp_path, many(3)), target, tmp_path)
    assert done.code == 1 and "another load of this target is running" in done.error_line
    assert load(corpus(tmp_path, many(3)), target, tmp_path)[0].code == 0


def test_a_stopped_load_is_resumed_with_exact_counts(target: str, tmp_path: Path) -> None:
    stopped(target, tmp_path)
    done, report = resume(target, tmp_path)
    assert done.code == 0, done.err
    assert (report["resumed_at"], report["documents"], report["repeated"]) == (100, 300, 0)


def test_a_load_is_not_resumed_into_an_index_that_was_removed_or_replaced(target: str, tmp_path: Path) -> None:
    stopped(target, tmp_path)
    ask("DELETE", target)
    done, _ = resume(target, tmp_path)
    assert done.code == 1 and "does not exist any more" in done.error_line and "load again" in done.error_line
    ask("PUT", target, {})
    done, _ = resume(target, tmp_path)
    assert done.code == 1 and "is not the one that the load created" in done.error_line


def test_documents_that_the_engine_lost_are_reported(target: str, tmp_path: Path) -> None:
    stopped(target, tmp_path)
    ask("DELETE", f"{target}/_doc/d5")
    done, _ = resume(target, tmp_path)
    assert done.code == 1 and "1 fewer than the engine has accepted" in done.error_line


def test_an_index_that_is_removed_during_the_load_is_an_error(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    def remove(path: str, number: int, data: bytes) -> bytes:
        if path.endswith("/_bulk") and number < 8:
            ask("DELETE", target)
        return data

    with recording(engine, remove) as (proxy, _):
        options = ["--bulk-documents", "50", "--workers", "1", "--replicas", "0"]
        done, _ = load(corpus(tmp_path, many(1000)), f"{proxy}/{name}", tmp_path, *options)
    assert done.code == 1 and "removed" in done.error_line, done.err


def test_the_last_count_waits_until_all_shards_respond(engine: str, name: str, target: str, tmp_path: Path) -> None:
    counts: list[bytes] = []
    hidden = 2

    def hide_a_shard(path: str, number: int, data: bytes) -> bytes:
        if not path.endswith("/_count"):
            return data
        counts.append(data)
        if len(counts) > hidden:
            return data
        found = json.loads(data)
        found["_shards"]["successful"] -= 1
        return json.dumps({**found, "count": 7}).encode()

    with recording(engine, hide_a_shard) as (proxy, _):
        done, report = load(corpus(tmp_path, many(100)), f"{proxy}/{name}", tmp_path, "--replicas", "0")
        assert done.code == 0 and report["documents"] == 100 and len(counts) == 3
        hidden = 100
        done, _ = load(corpus(tmp_path, many(100)), f"{proxy}/{name}", tmp_path, "--overwrite", "--patience", "0.5")
    assert done.code == 1 and "1 of 1 shards" in done.error_line and "--resume" in done.error_line


def test_refresh_and_count_are_retried_for_the_patience_of_the_load(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    lost: list[str] = []

    def cut(path: str, number: int, data: bytes) -> bytes | None:
        if path.endswith(("/_refresh", "/_count")) and lost.count(path) < 3:
            lost.append(path)
            return None
        return data

    with recording(engine, cut) as (proxy, _):
        done, report = load(
            corpus(tmp_path, many(100)), f"{proxy}/{name}", tmp_path, "--replicas", "0", "--max-retries", "0"
        )
    assert done.code == 0, done.err
    assert report["documents"] == 100 and len(lost) == 6


def test_a_load_that_stopped_before_its_index_existed_creates_it_when_resumed(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    seen: list[str] = []

    def refuse(path: str, number: int, data: bytes) -> bytes | None:
        seen.append(path)
        return None if path == f"/{name}" and seen.count(path) == 2 else data  # it looks for the index, then creates it

    source = corpus(tmp_path, many(50))
    with recording(engine, refuse) as (proxy, _):
        assert load(source, f"{proxy}/{name}", tmp_path, "--max-retries", "0")[0].code == 1
        ask("DELETE", target)  # the request succeeded, and only its response was lost
        port = proxy
    [state] = (tmp_path / "state").glob("*.load.json")
    known = json.loads(state.read_text())
    direct = CheckpointFile(tmp_path / "state", str(read_address(target)))
    direct.path.write_text(json.dumps({**known, "target": str(read_address(target))}))
    assert port in known["target"]
    done, report = load(source, target, tmp_path, "--resume", "--replicas", "0")
    assert done.code == 0 and report["documents"] == count(target) == 50


def test_an_alias_keeps_its_filter_and_unfinished_indices_are_named(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    alias = f"{name}-live"
    first = load(corpus(tmp_path, many(5)), target, tmp_path, "--alias", alias)[1]["index"]
    clause = {"term": {"year": 3}}
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": {"index": first, "alias": alias, "filter": clause}}]})
    stopped_at = tmp_path / "stopped"
    stopped_at.mkdir()
    (stopped_at / "c.jsonl").write_text('{"id": "1", "text": "x"}\nnot json\n')
    assert load(str(stopped_at / "c.jsonl"), target, stopped_at, "--alias", alias)[0].code == 1
    done, report = load(corpus(tmp_path, many(9)), target, tmp_path, "--alias", alias)
    assert done.code == 0 and len(report["unfinished"]) == 1 and report["unfinished"][0] in done.err
    assert count(f"{engine}/{alias}") == 1 and report["documents"] == 9


def test_a_checkpoint_that_counts_more_than_the_source_has_is_an_error(target: str, tmp_path: Path) -> None:
    stopped(target, tmp_path)
    [state] = (tmp_path / "state").glob("*.load.json")
    state.write_text(json.dumps({**json.loads(state.read_text()), "done": 10**6}))
    done, _ = resume(target, tmp_path)
    assert done.code == 1 and "the source has 300" in done.error_line
