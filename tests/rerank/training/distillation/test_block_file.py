from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resift.rerank.training.distillation.block_file import BlockFile
from resift.rerank.training.distillation.candidates import Candidate, CandidateList
from resift.rerank.training.distillation.scores import score_lists
from resift.rerank.training.distillation.teachers import Member, Teacher
from resift.rerank.training.examples import LabelledList, read_examples
from resift.retrieval.errors import CorpusError, SettingsError
from tests.rerank.training.distillation.length_scorer import LengthScorer

ROOT = Path(__file__).parents[4]


def filled(path: Path) -> BlockFile:
    file = BlockFile(path)
    file.recover()
    file.append(["one", "two"])
    file.append(["drei", "vier"])
    return file


def reopened(path: Path) -> tuple[int, list[str]]:
    file = BlockFile(path)
    return file.recover(), list(file.lines())


def candidate_lists(count: int, documents: int = 100) -> list[CandidateList]:
    candidates = [Candidate(str(place), "word " * (place % 7 + 1), "head") for place in range(documents)]
    return [CandidateList(f"query {number}", str(number), tuple(candidates)) for number in range(count)]


def test_whole_blocks_are_read_again(tmp_path: Path) -> None:
    filled(tmp_path / "lines")
    assert reopened(tmp_path / "lines") == (4, ["one", "two", "drei", "vier"])


def test_a_block_that_is_cut_off_at_any_byte_leaves_the_earlier_ones(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    filled(path)
    whole, journal = path.read_bytes(), path.with_name("lines.blocks").read_bytes()
    for size in range(len(b"one\ntwo\n"), len(whole)):
        path.write_bytes(whole[:size])
        path.with_name("lines.blocks").write_bytes(journal)
        assert reopened(path) == (2, ["one", "two"])


def test_a_journal_that_is_cut_off_leaves_the_blocks_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    filled(path)
    journal = path.with_name("lines.blocks")
    journal.write_bytes(journal.read_bytes()[:-1])
    assert reopened(path) == (2, ["one", "two"])
    file = BlockFile(path)
    file.recover()
    file.append(["again"])
    assert reopened(path) == (3, ["one", "two", "again"])


def test_a_damaged_earlier_block_is_refused_and_nothing_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    filled(path)
    damaged = path.read_bytes().replace(b"one", b"0ne")
    path.write_bytes(damaged)
    with pytest.raises(CorpusError, match="block 1 of 2 is damaged; restore the file, or remove it"):
        BlockFile(path).recover()
    assert path.read_bytes() == damaged


def test_a_file_without_its_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    filled(path)
    path.with_name("lines.blocks").unlink()
    with pytest.raises(CorpusError, match="journal lines.blocks is missing"):
        BlockFile(path).recover()
    assert path.read_text() == "one\ntwo\ndrei\nvier\n"


KILLED = """
import sys
from pathlib import Path
from resift.rerank.training.distillation.scores import score_lists
from resift.rerank.training.distillation.teachers import Member, Teacher
from tests.rerank.training.distillation.length_scorer import LengthScorer
from tests.rerank.training.distillation.test_block_file import candidate_lists

def scored(count):
    print(count, flush=True)
    if count >= 12:
        sys.stdin.read()  # until it is killed

score_lists(candidate_lists(40), Teacher([Member("length", LengthScorer())]), Path(sys.argv[1]), scored)
"""


def test_scores_survive_kill_9_and_no_finished_list_is_scored_again(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdin is not None
    counts = [int(process.stdout.readline()) for _ in range(3)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert counts == [0, 6, 12]
    with path.open("ab") as file:
        file.write(b'{"query": "half a li')  # what a process that is killed while it writes leaves

    scorer = LengthScorer()
    assert score_lists(candidate_lists(40), Teacher([Member("length", scorer)]), path, lambda done: None) == 28
    assert scorer.scored == 2800
    uninterrupted = tmp_path / "whole.jsonl"
    score_lists(candidate_lists(40), Teacher([Member("length", LengthScorer())]), uninterrupted, lambda done: None)
    assert path.read_bytes() == uninterrupted.read_bytes()


def test_scores_are_labelled_lists_as_a_training_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    score_lists(candidate_lists(1, 3), Teacher([Member("length", LengthScorer())]), path, lambda done: None)
    [example] = read_examples(path)
    assert isinstance(example, LabelledList)
    assert (example.query, example.labels) == ("query 0", (4.0, 9.0, 14.0))
    assert json.loads(path.read_text())["strata"] == ["head"] * 3


def test_scores_of_other_queries_are_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    teacher = Teacher([Member("length", LengthScorer())])
    score_lists(candidate_lists(2, 3), teacher, path, lambda done: None)
    others = [CandidateList("another", "a", one.candidates) for one in candidate_lists(3, 3)]
    with pytest.raises(SettingsError, match="has the scores of other queries"):
        score_lists(others, teacher, path, lambda done: None)
