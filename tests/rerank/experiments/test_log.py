"""The log of an experiment: what is written is read again, whatever happened to the file."""

from __future__ import annotations

import gzip
import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from resift.rerank.experiments.log import (
    MOST_LOGGED,
    ShownSearch,
    client_id_of,
    from_json,
    hashed_query,
    new_search_id,
    search_id_of,
    to_line,
    utc_now,
)
from resift.rerank.experiments.log_reader import LogProblems, read_searches
from resift.rerank.experiments.log_writer import SearchLog
from resift.retrieval.errors import CorpusError, SettingsError
from tests.rerank.experiments.searches import mixed, search, write_log

FULL = Path("/dev/full")


def read(path: Path) -> tuple[list[str], LogProblems]:
    problems = LogProblems(str(path))
    return [one.search_id for one in read_searches(path, problems)], problems


def test_a_search_is_read_as_it_was_written() -> None:
    whole = replace(mixed("s1", draft="0f"), first=11, window=100, scored=64, engine_ms=1.25, rerank_ms=3.5)
    failed = replace(search(), reranked=(), outcome="failed", reason="model: no\nmemory", query_text=None)
    for one in (whole, failed, ShownSearch(utc_now(), new_search_id(), "i", "reranked", ())):
        line = to_line(one)
        assert line.count("\n") == 1
        assert from_json(json.loads(line)) == one


def test_long_orders_are_cut_and_numbers_that_json_lacks_are_left_out() -> None:
    ids = tuple(f"d{number}" for number in range(MOST_LOGGED + 5))
    found = json.loads(to_line(replace(search(), first_stage=ids, engine_ms=float("nan"), query_text="\ud800")))
    assert len(found["first_stage"]) == MOST_LOGGED
    assert "engine_ms" not in found


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("time", "yesterday"),
        ("time", "0001-01-01T00:00:00+10:00"),
        ("search_id", ""),
        ("search_id", 7),
        ("kind", "shown"),
        ("outcome", "lost"),
        ("first_stage", "abc"),
        ("reranked", [1]),
        ("shown", [{"doc_id": "a", "team": "blue"}]),
        ("shown", ["a"]),
        ("shown", {"doc_id": "a"}),
        ("window", -1),
        ("scored", True),
        ("engine_ms", "5"),
        ("rerank_ms", -1),
    ],
)
def test_a_member_of_another_type_is_named(member: str, value: object) -> None:
    values = {**json.loads(to_line(mixed("s1"))), member: value}
    with pytest.raises(ValueError, match=f"^{member} "):
        from_json(values)


def test_members_that_are_not_known_are_ignored() -> None:
    assert from_json({**json.loads(to_line(search())), "zone": "eu", "reason": None}) == search()


def test_a_damaged_log_is_read_except_for_its_bad_lines(tmp_path: Path) -> None:
    path = write_log(tmp_path / "log.jsonl", search("s1"), search("s2"), search("s3"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\n\xff\xfe\n" + lines[1] + b"[1]\n" + b"[" * 100_000 + b"\n{}\n" + lines[2][:-40])
    found, problems = read(path)
    assert found == ["s1", "s2"]
    assert [line for line, _ in problems.first] == [3, 5, 6, 7, 8]
    assert (problems.lines, problems.bad, problems.first[-1]) == (7, 5, (8, "is not complete"))
    [note] = problems.notes()
    assert "5 of 7 lines were left out (line 3: is not JSON; " in note and "line 7: kind is missing" in note


def test_a_compressed_log_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = "".join(to_line(search(f"s{number:05d}-{os.urandom(40).hex()}")) for number in range(3000))
    path = tmp_path / "log.jsonl.1.gz"
    path.write_bytes(gzip.compress(lines.encode()))
    assert len(read(path)[0]) == 3000
    path.write_bytes(gzip.compress(lines.encode())[:-1000])
    found, problems = read(path)
    assert 1000 < len(found) < 3000
    assert "is not a complete gzip file" in problems.incomplete


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text('{"id": 1}\n' * 1001)
    with pytest.raises(CorpusError, match="line 1: is not a log of an experiment: kind is missing"):
        read(tmp_path / "other.jsonl")
    (tmp_path / "short.jsonl").write_text("{}\n")
    with pytest.raises(CorpusError, match="line 1: is not a log of an experiment: kind is missing"):
        read(tmp_path / "short.jsonl")
    (tmp_path / "begun.jsonl").write_text('{"time": "2026-')
    assert read(tmp_path / "begun.jsonl")[1].bad == 1
    with pytest.raises(CorpusError, match="none.jsonl: cannot be read"):
        read(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    assert read(tmp_path / "empty.jsonl")[0] == []


def test_searches_of_several_threads_are_written_one_line_each(tmp_path: Path) -> None:
    log = SearchLog(tmp_path / "log.jsonl")

    def write(name: str) -> None:
        for number in range(200):
            assert log.write(search(f"{name}{number}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.close(10.0)
    assert sorted(read(log.path)[0]) == sorted(f"{name}{number}" for name in "abcd" for number in range(200))
    assert (log.written, log.dropped, log.lost) == (800, 0, 0)
    assert (os.stat(log.path).st_mode & 0o007) == 0  # queries are not for everyone


def test_a_search_is_written_to_the_new_file_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = SearchLog(path)
    log.write(search("s1"))
    wait_for(log, 1)
    path.rename(tmp_path / "log.jsonl.1")
    log.write(search("s2"))
    wait_for(log, 2)
    path.unlink()
    log.write(search("s3"))
    assert log.close(10.0)
    assert read(tmp_path / "log.jsonl.1")[0] == ["s1"]
    assert read(path)[0] == ["s3"]


def test_after_a_torn_line_the_next_search_begins_on_a_new_line(tmp_path: Path) -> None:
    path = write_log(tmp_path / "log.jsonl", search("s1"), search("s2"))
    path.write_bytes(path.read_bytes()[:-30])  # as a process that was killed leaves it
    log = SearchLog(path)
    log.write(search("s3"))
    assert log.close(10.0)
    found, problems = read(path)
    assert found == ["s1", "s3"]
    assert problems.first == [(2, "is not JSON")]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_loses_searches_without_an_error_and_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    log = SearchLog(FULL)
    assert all(log.write(search(str(number))) for number in range(5))
    assert log.close(10.0)
    assert (log.written, log.lost, log.dropped) == (0, 5, 0)
    [record] = caplog.records
    assert "No space left on device" in record.getMessage()


def test_a_folder_that_is_gone_loses_searches_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = SearchLog(folder / "log.jsonl")
    (folder / "log.jsonl").unlink()
    folder.rmdir()
    log.write(search("s1"))
    wait_for(log, 1)
    folder.mkdir()
    log.write(search("s2"))
    assert log.close(10.0)
    assert read(folder / "log.jsonl")[0] == ["s2"]
    assert (log.written, log.lost) == (1, 1)


def test_a_search_that_cannot_be_encoded_does_not_end_the_log(tmp_path: Path) -> None:
    log = SearchLog(tmp_path / "log.jsonl")
    log.write(replace(search("s1"), index=b"shop"))  # type: ignore[arg-type]
    log.write(search("s2"))
    assert log.close(10.0)
    assert read(log.path)[0] == ["s2"]
    assert log.lost == 1


def test_a_log_that_nobody_reads_drops_searches_and_never_waits(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = SearchLog(pipe, most_waiting=10)
    long = replace(search(), query_text="x" * 50_000)
    taken = [log.write(long) for _ in range(100)]
    assert taken.count(False) == log.dropped >= 80
    assert not log.close(0.2)
    assert not log.write(search())
    os.close(reader)  # the writer gets an error, and ends


def test_a_log_that_cannot_be_opened_is_refused_at_the_start(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "log.jsonl", "a\0b"):
        with pytest.raises(SettingsError, match="log: .* cannot be written"):
            SearchLog(path)


def test_the_id_of_a_search_is_that_of_ubi_in_a_request_or_a_response() -> None:
    assert search_id_of({"query": {}, "ext": {"ubi": {"query_id": "q-1", "user_query": "soup"}}}) == "q-1"
    assert search_id_of({"hits": {"hits": []}, "ext": {"ubi": {"query_id": "q-2"}}}) == "q-2"
    bodies: list[object] = [
        None,
        [],
        "ext",
        {},
        {"ext": []},
        {"ext": {"ubi": None}},
        {"ext": {"ubi": {"client_id": 1}}},
    ]
    for body in bodies:
        assert search_id_of(body) is None
    assert client_id_of({"ext": {"ubi": {"query_id": "q-1", "client_id": "c-1"}}}) == "c-1"
    for bad in (7, "", "a\nb", "é", "x" * 300):
        assert search_id_of({"ext": {"ubi": {"query_id": bad}}}) is None


def test_a_hashed_query_does_not_show_it_and_depends_on_the_secret() -> None:
    assert hashed_query(" Red soup") == hashed_query("red  SOUP") != hashed_query("red soup", "secret")
    assert hashed_query("red soup", "x" * 100) != hashed_query("red soup", "x" * 99)
    assert new_search_id() != new_search_id()


def wait_for(log: SearchLog, count: int) -> None:
    """Wait until `count` searches were written or lost."""
    done = threading.Event()
    while log.written + log.lost < count:
        done.wait(0.005)
