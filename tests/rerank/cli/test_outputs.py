"""Outputs that are full, closed, limited to ASCII, or also an input: no data is lost, and no text controls a terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.rerank.cli.main import explain
from tests.rerank.cli.invoke import assert_one_line, invoke

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("outputs", "parts"),
    [
        (["--output", "q.txt"], ["q.txt", "is an input"]),
        (["--output", "same", "--first-stage-output", "same"], ["same file"]),
        (["--output", "nowhere/run.trec"], ["does not exist"]),
        (["--output", "run.trec", "--first-stage-output", "nowhere/run.trec"], ["does not exist"]),
        (["--output", "run.trec", "--tag", "a b"], ["tag"]),
    ],
)
def test_a_run_with_a_wrong_output_is_refused_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: str, outputs: list[str], parts: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("q.txt").write_text("lentils\n")
    assert_one_line(invoke("run", index, "--queries", "q.txt", "--model", "none", *outputs), 2, *parts)
    assert Path("q.txt").read_text() == "lentils\n"
    assert [path.name for path in tmp_path.iterdir()] == ["q.txt"]


def test_a_file_of_an_index_is_not_overwritten_by_a_run(tmp_path: Path, index: str) -> None:
    (tmp_path / "q.txt").write_text("lentils\n")
    target = f"{index.removeprefix('bm25:')}/documents.jsonl"
    done = invoke("run", index, "--queries", str(tmp_path / "q.txt"), "--model", "none", "--output", target)
    assert_one_line(done, 2, "is an input")
    assert invoke("search", index, "lentils", "--model", "none").code == 0


def test_a_folder_that_is_named_as_an_index_of_an_engine_is_not_an_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("articles").mkdir()
    Path("q.txt").write_text("lentils\n")
    done = invoke("run", "cloud:articles", "--queries", "q.txt", "--output", "articles/run.trec", "--model", "none")
    assert_one_line(done, 2, "cloud:NAME needs a Cloud ID")


@pytest.mark.parametrize("name", ["corpus.jsonl", "other.jsonl"])
def test_a_report_of_skipped_records_never_overwrites_the_corpus(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "beir"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"_id": "a", "text": "soup"}\n{"x": 1}\n')
    skip = ["--skip-bad", "--skipped-file", str(folder / name)]
    done = invoke("index", str(folder), "--to", f"bm25:{tmp_path / 'index'}", *skip)
    assert_one_line(done, 1, "belongs to the corpus")
    assert (folder / "corpus.jsonl").read_text().startswith('{"_id": "a"')


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported(tmp_path: Path, index: str) -> None:
    command = [sys.executable, "-c", "from resift.rerank.cli.main import main; main()"]
    with open("/dev/full", "w") as full:
        search = [*command, "search", index, "lentils", "--model", "none"]
        done = subprocess.run(search, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "No space left" in done.stderr, "defect" in done.stderr) == (1, True, False), done.stderr
    (tmp_path / "bad.jsonl").write_text('{"id": "a", "text": "soup"}\n{"x": 1}\n')
    skip = ["--skip-bad", "--skipped-file", "/dev/full"]
    done_index = invoke("index", str(tmp_path / "bad.jsonl"), "--to", f"bm25:{tmp_path / 'index'}", *skip)
    assert_one_line(done_index, 1, "/dev/full", "No space left")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("library", ["safetensors", "torch"])
def test_weights_that_do_not_fit_on_the_disk_are_no_defect(small_disk: Path, library: str) -> None:
    torch, safetensors = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    weights = {"weight": torch.zeros(1000, 1000)}
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the libraries' own classes, which have no common base
        if library == "torch":
            torch.save(weights, small_disk / "weights")
        else:
            safetensors.save_file(weights, small_disk / "weights")
    assert explain(raised.value) == ("the disk is full; free some space and give the command again", 1)


@pytest.mark.parametrize("flags", [["--compare"], [], ["--json"], ["--trec"]])
def test_a_terminal_that_supports_only_ascii_is_not_an_error(index: str, flags: list[str]) -> None:
    command = [sys.executable, "-c", "from resift.rerank.cli.main import main; main()", "search", index, "tomatoes"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*command, "--model", "none", *flags], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert (done.returncode, b"Salad" in done.stdout or b"d3" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("redirect", [">&-", "<&-", ">&- 2>&-"])
def test_closed_streams_are_not_an_error(index: str, redirect: str) -> None:
    line = f'"{sys.executable}" -c "from resift.rerank.cli.main import main; main()" search {index} soup --model none {redirect}'
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "defect" in done.stderr) == (0, False), done.stderr


def test_names_of_files_cannot_control_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "x\x1b]0;owned\x07.txt").write_bytes(b"\xff")
    done = invoke("index", str(folder), "--to", f"bm25:{tmp_path / 'index'}")
    assert (done.code, "\x1b" in done.err) == (1, False)


def test_one_query_and_one_line_are_in_the_singular(tmp_path: Path, index: str) -> None:
    (tmp_path / "q.txt").write_text("tomatoes\n")
    (tmp_path / "none.txt").write_text("zzz\n")
    run = ["run", index, "--model", "none", "--output", str(tmp_path / "run.trec"), "--queries"]
    assert f"{tmp_path / 'run.trec'}: 1 query, 1 line\n" in invoke(*run, str(tmp_path / "q.txt")).err
    done = invoke(*run, str(tmp_path / "none.txt"))
    assert "note: 1 of 1 query matched nothing\n" in done.err and ": 1 query, 0 lines\n" in done.err
    assert "1 candidate by" in invoke("search", index, "tomatoes", "--model", "none").out
