import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resift.indexer.bm25.build import build_index
from resift.indexer.bm25.staging import exchange, replace_by_renames, staged_folder
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.errors import CorpusError, EngineError, IndexingError
from resift.retrieval.types import Document, Query
from tests.indexer.bm25.indices import OLD, SETTINGS, build, found, names


def test_existing_index_is_refused_without_overwrite_and_replaced_with_it(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    new = [Document("new", "zebra")]
    with pytest.raises(IndexingError, match="exists; choose another path, or replace it with `overwrite=True`"):
        build(tmp_path / "i", new)
    build(tmp_path / "i", new, overwrite=True)
    assert found(tmp_path / "i") == ["new"]
    assert names(tmp_path) == ["i"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_folder_and_file_that_are_not_an_index_are_never_changed(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "manifest.json").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    for name in ("photos", "file", "empty"):
        with pytest.raises(IndexingError, match="exists and is not an index"):
            build(tmp_path / name, OLD, overwrite=overwrite)
    assert (tmp_path / "photos" / "manifest.json").read_text() == (tmp_path / "file").read_text() == "mine"
    assert names(tmp_path) == ["empty", "file", "photos"]


@pytest.mark.parametrize("manifest", [None, "", '{"format": "resif'])
def test_index_whose_manifest_is_damaged_can_be_replaced(tmp_path: Path, manifest: str | None) -> None:
    build(tmp_path / "i", OLD)
    (tmp_path / "i" / "manifest.json").unlink()
    if manifest is not None:
        (tmp_path / "i" / "manifest.json").write_text(manifest)
    with pytest.raises(EngineError, match="build it with"):
        found(tmp_path / "i")
    build(tmp_path / "i", [Document("new", "zebra")], overwrite=True)
    assert found(tmp_path / "i") == ["new"]


def test_link_to_an_index_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    build(tmp_path / "real", OLD)
    (tmp_path / "link").symlink_to("real")
    build(tmp_path / "link", [Document("new", "zebra")], overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert found(tmp_path / "link") == found(tmp_path / "real") == ["new"]


def test_reader_of_the_old_index_keeps_it_when_it_is_replaced(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    reader = Bm25Retriever.open(tmp_path / "i")
    build(tmp_path / "i", [Document("new", "zebra")], overwrite=True)
    [ranking] = reader.retrieve([Query("q", "zebra")], 10)
    assert [hit.document.doc_id for hit in ranking.hits] == ["old"]


def test_opening_during_replacements_gives_the_old_or_the_new_index(tmp_path: Path) -> None:
    generations = [[Document(f"{g}", "zebra " * (g + 1)), Document(f"x{g}", "yak")] for g in range(2)]
    build(tmp_path / "i", generations[0])
    stop = threading.Event()
    seen = set()

    def replace() -> None:
        for turn in range(15):
            build(tmp_path / "i", generations[turn % 2], overwrite=True)
        stop.set()

    with ThreadPoolExecutor(1) as pool:
        replacing = pool.submit(replace)
        while not stop.is_set() and not replacing.done():
            retriever = Bm25Retriever.open(tmp_path / "i")
            both = retriever.retrieve([Query("1", "zebra"), Query("2", "yak")], 5)
            seen.add(tuple(hit.document.doc_id for ranking in both for hit in ranking.hits))
        replacing.result()
    assert seen <= {("0", "x0"), ("1", "x1")}


def test_two_builds_of_one_target_leave_the_index_of_one_of_them(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(build, tmp_path / "i", [Document(f"n{n}", "zebra")], True) for n in range(12)]
    for job in jobs:
        job.result()
    assert found(tmp_path / "i")[0] in {f"n{n}" for n in range(12)}
    assert names(tmp_path) == ["i"]


def test_two_first_builds_give_one_index_and_one_refusal(tmp_path: Path) -> None:
    gate = threading.Barrier(2)

    def waiting(name: str) -> Iterator[Document]:
        yield Document(name, "zebra")
        gate.wait(20)

    def attempt(name: str) -> str:
        try:
            build_index(waiting(name), tmp_path / "i", SETTINGS)
        except IndexingError as error:
            return str(error)
        return name

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, ["one", "two"]))
    [winner] = [outcome for outcome in outcomes if outcome in ("one", "two")]
    assert found(tmp_path / "i") == [winner]
    assert sum("exists" in outcome for outcome in outcomes) == 1
    assert names(tmp_path) == ["i"]


def test_of_many_first_builds_that_end_together_one_wins_every_time(tmp_path: Path) -> None:
    builders = 4
    gate = threading.Barrier(builders)

    def attempt(target: Path, name: str) -> str | None:
        try:
            with staged_folder(target, False, lambda folder: (folder / "marker").exists()) as folder:
                (folder / "marker").write_text(name)
                gate.wait(20)
        except IndexingError:
            return None
        return name

    with ThreadPoolExecutor(builders) as pool:
        for round_number in range(50):
            target = tmp_path / str(round_number)
            outcomes = list(pool.map(attempt, [target] * builders, map(str, range(builders))))
            assert [name for name in outcomes if name is not None] == [(target / "marker").read_text()]
    assert len(names(tmp_path)) == 50


CHILD = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from resift.indexer.bm25.build import build_index
    from resift.retrieval.bm25.settings import Bm25Settings
    from resift.retrieval.types import Document

    def documents():
        for number in range(int(sys.argv[2])):
            if number == 0:
                print("started", flush=True)
            yield Document(f"new{number}", f"zebra word{number}")

    while True:
        build_index(documents(), Path(sys.argv[1]), Bm25Settings(), overwrite=True)
        print("done", flush=True)
    """
)


@pytest.mark.parametrize("milliseconds", [0, 3, 10, 20, 30, 45, 60, 80, 100, 130, 170, 220])
@pytest.mark.parametrize("standing", [True, False])
def test_killed_build_leaves_a_complete_index_and_the_next_one_cleans_up(
    tmp_path: Path, milliseconds: int, standing: bool
) -> None:
    target = tmp_path / "i"
    if standing:
        build(target, OLD)
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(target), "300"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"started\n"
    time.sleep(milliseconds / 1000)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    if standing or target.exists():
        assert found(target) in (["old"], [f"new{n}" for n in sorted(map(str, range(300)), reverse=True)][:100])
    build(target, [Document("next", "zebra")], overwrite=True)
    assert found(target) == ["next"]
    assert names(tmp_path) == ["i"]


def test_index_moved_away_by_a_killed_build_is_restored(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    (tmp_path / "i").rename(tmp_path / ".i.0123456789ab.replaced")
    with pytest.raises(IndexingError, match="exists"):
        build(tmp_path / "i", [Document("new", "zebra")])
    assert found(tmp_path / "i") == ["old"]
    assert names(tmp_path) == ["i"]


def test_leftovers_of_a_target_with_a_longer_name_are_not_removed(tmp_path: Path) -> None:
    build(tmp_path / "i.j", OLD)
    (tmp_path / "i.j").rename(tmp_path / ".i.j.0123456789ab.replaced")
    build(tmp_path / "i", [Document("new", "zebra")])
    assert names(tmp_path) == [".i.j.0123456789ab.replaced", "i"]


def test_folders_are_exchanged_in_one_step_or_in_two(tmp_path: Path) -> None:
    for name in ("one.building", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    replace_by_renames(tmp_path / "one.building", tmp_path / "two")
    assert names(tmp_path / "two") == ["one.building"]
    if exchange(tmp_path / "one.building", tmp_path / "two"):
        assert names(tmp_path / "two") == ["two"]
    assert names(tmp_path) == ["one.building", "two"]
    with pytest.raises(OSError, match="No such file"):
        exchange(tmp_path / "two", tmp_path / "three")


LIMITED = textwrap.dedent(
    """
    import resource, sys
    from pathlib import Path
    from resift.indexer.bm25.build import build_index
    from resift.retrieval.bm25.settings import Bm25Settings
    from resift.retrieval.errors import IndexingError
    from resift.retrieval.types import Document

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    documents = (Document(f"new{n}", f"zebra word{n} other{n}") for n in range(2000))
    try:
        build_index(documents, Path(sys.argv[1]), Bm25Settings(), overwrite=True)
    except IndexingError as error:
        print(error)
    """
)


@pytest.mark.parametrize("limit", [0, 5_000, 15_000, 60_000, 100_000])
def test_full_disk_gives_one_line_and_leaves_the_old_index(tmp_path: Path, limit: int) -> None:
    # a limit on the file size simulates a full disk: each write beyond it fails, in any file
    build(tmp_path / "i", OLD)
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "i"), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{tmp_path / 'i'} cannot be written: File too large"]
    assert found(tmp_path / "i") == ["old"]
    assert names(tmp_path) == ["i"]


def test_folder_without_write_permission_gives_one_line(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(0o555)
    user = os.geteuid()
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755) if folder.stat().st_uid == user and "pytest" in str(folder) else None
    if user == 0:
        os.seteuid(65534)  # the superuser can write anywhere
    try:
        with pytest.raises(IndexingError, match=r"locked/i cannot be written: Permission denied$"):
            build(locked / "i", OLD)
        with pytest.raises(IndexingError, match="cannot be written"):
            build(locked / "new" / "i", OLD)
    finally:
        os.seteuid(user)
    assert names(locked) == []


def test_path_below_a_file_gives_one_line_and_no_new_folders(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexingError, match="cannot be written: Not a directory"):
        build(tmp_path / "file" / "i", OLD)
    with pytest.raises(CorpusError):
        build(tmp_path / "x" / "y" / "i", [])
    assert names(tmp_path) == ["file"]


def test_invalid_path_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for path in (Path("\x00"), tmp_path / "loop" / "i", tmp_path / ("n" * 300)):
        with pytest.raises(IndexingError, match="cannot be written"):
            build(path, OLD)
