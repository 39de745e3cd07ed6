"""Changes of an index that are killed, that come together, or for which the disk is full."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resift.indexer.bm25.update import add_documents, delete_documents, optimize_index
from resift.indexer.lock import locked_folder
from resift.retrieval.bm25 import store
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document, Query
from tests.indexer.bm25.indices import OLD, build, found, names

START = [Document(f"{n:02}", "zebra") for n in range(20)]


def step_by_step(path: Path) -> list[Path]:
    """Return copies of an index as a killed addition leaves it, in the order in which its files change."""
    before, after = path.with_name("before"), path.with_name("after")
    build(before, START)
    shutil.copytree(before, after)
    add_documents(after, [Document("00", "zebra zebra"), Document("new", "zebra")])
    [segment] = [entry for entry in (after / store.SEGMENTS).iterdir() if entry.is_dir()]
    copies: list[Path] = []

    def state(*parts: Path) -> None:
        copies.append(path.with_name(f"state{len(copies)}"))
        shutil.copytree(before, copies[-1])
        for part in parts:
            target = copies[-1] / part.relative_to(after)
            if part.is_dir():
                shutil.copytree(part, target)
            else:
                target.parent.mkdir(exist_ok=True)
                shutil.copy(part, target)

    state()
    state(segment)
    shutil.move(copies[-1] / store.SEGMENTS / segment.name, copies[-1] / store.SEGMENTS / ".x.0123456789ab.building")
    state(segment)
    state(segment, *(after / store.SEGMENTS).glob("deleted-*"))
    shutil.copy(after / store.MANIFEST, copies[-1] / f".{store.MANIFEST}.abc")
    return copies


def test_addition_that_is_killed_at_any_step_leaves_the_old_index_and_the_next_change_cleans_up(tmp_path: Path) -> None:
    old = [document.doc_id for document in reversed(START)]
    for killed in step_by_step(tmp_path / "i"):
        assert found(killed) == old
        delete_documents(killed, ["19"])
        assert found(killed) == old[1:]
        assert [entry.name for entry in (killed / store.SEGMENTS).iterdir() if "deleted" not in entry.name] == []
        assert [name for name in names(killed) if name.startswith(".")] == []


CHILD = textwrap.dedent(
    """
    import itertools, sys
    from resift.indexer.bm25.update import add_documents, delete_documents
    from resift.retrieval.types import Document

    for turn in itertools.count():
        add_documents(sys.argv[1], [Document(f"a{turn}", "zebra"), Document(f"b{turn}", "zebra")])
        print("added", flush=True)
        delete_documents(sys.argv[1], [f"a{turn - 1}", f"b{turn - 1}"])
    """
)


@pytest.mark.parametrize("milliseconds", [0, 20, 60, 150])
def test_killed_process_leaves_whole_changes_only(tmp_path: Path, milliseconds: int) -> None:
    build(tmp_path / "i", START)
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path / "i")], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(milliseconds / 1000)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    pairs = [doc_id for doc_id in found(tmp_path / "i") if doc_id[0] in "ab"]
    assert {doc_id[1:] for doc_id in pairs if doc_id[0] == "a"} == {doc_id[1:] for doc_id in pairs if doc_id[0] == "b"}
    assert 1 <= len(pairs) // 2 <= 2
    add_documents(tmp_path / "i", [Document("next", "zebra")])
    assert found(tmp_path / "i")[0] == "next"
    assert names(tmp_path) == ["i"]


def test_additions_of_several_threads_are_all_kept(tmp_path: Path) -> None:
    build(tmp_path / "i", START)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(add_documents, tmp_path / "i", [Document(f"n{n}", "zebra")]) for n in range(4)]
    assert [job.result().created for job in jobs] == [1] * 4
    assert set(found(tmp_path / "i")) == {f"n{n}" for n in range(4)} | {document.doc_id for document in START}


def test_second_writer_is_refused_and_the_index_is_not_replaced_meanwhile(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    inside, done = threading.Event(), threading.Event()

    def slow() -> None:
        with locked_folder(tmp_path / "i"):
            inside.set()
            done.wait(20)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(slow)
        inside.wait(20)
        with (
            pytest.raises(IndexingError, match="is being changed by another process"),
            locked_folder(tmp_path / "i", 0.1),
        ):
            pass
        replacing = pool.submit(build, tmp_path / "i", [Document("new", "zebra")], True)
        time.sleep(0.1)
        assert found(tmp_path / "i") == ["old"]
        done.set()
        first.result()
        replacing.result()
    assert found(tmp_path / "i") == ["new"]


def test_opening_during_changes_gives_the_index_before_or_after_one(tmp_path: Path) -> None:
    build(tmp_path / "i", START)
    stop = threading.Event()

    def change() -> None:
        for turn in range(8):
            add_documents(tmp_path / "i", [Document(f"a{turn}", "zebra"), Document(f"b{turn}", "zebra")])
            if turn % 4 == 3:
                optimize_index(tmp_path / "i")
        stop.set()

    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        while not stop.is_set() and not changing.done():
            [ranking] = Bm25Retriever.open(tmp_path / "i").retrieve([Query("1", "zebra")], 100)
            seen = [hit.document.doc_id for hit in ranking.hits if hit.document.doc_id[0] in "ab"]
            assert len(seen) % 2 == 0
        changing.result()
    assert len(found(tmp_path / "i")) == 36


LIMITED = textwrap.dedent(
    """
    import resource, sys
    from resift.indexer.bm25.update import add_documents
    from resift.retrieval.errors import IndexingError
    from resift.retrieval.types import Document

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    documents = [Document("00", "yak"), *(Document(f"new{n}", f"zebra word{n} other{n}") for n in range(10))]
    try:
        add_documents(sys.argv[1], documents)
    except IndexingError as error:
        print(error)
    """
)


@pytest.mark.parametrize("limit", [0, 200, 1000, 1600])  # the last one is below the size of the manifest alone
def test_full_disk_gives_one_line_and_leaves_the_old_index(tmp_path: Path, limit: int) -> None:
    # a limit on the file size simulates a full disk: each write beyond it fails, in any file
    build(tmp_path / "i", START)
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "i"), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    [line] = done.stdout.splitlines()
    assert line.endswith(": File too large")
    assert found(tmp_path / "i") == [document.doc_id for document in reversed(START)]
    delete_documents(tmp_path / "i", ["19"])
    assert len(json.loads((tmp_path / "i" / store.MANIFEST).read_text())["segments"]) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_write_permission_gives_one_line(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    (tmp_path / "i").chmod(0o555)
    with pytest.raises(IndexingError, match="cannot be written: Permission denied"):
        add_documents(tmp_path / "i", [Document("new", "zebra")])
    (tmp_path / "i").chmod(0o755)
    assert found(tmp_path / "i") == ["old"]
