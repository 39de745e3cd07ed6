"""A model that has scored before a fork scores the same in the new process, with as many threads."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.settings import ScorerSettings
from tests.rerank.forks import fork
from tests.rerank.scorers.small_models import save_family, sentences

PAIRS = [("cat food", text) for text in sentences(6, seed=3, shortest=30)]
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning"),
]


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Give the number of threads that torch had back after the test: it belongs to the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def end_of_child(work: Callable[[], bool]) -> int:
    """Fork, do `work` in the child, and return its exit code: 0 if the work returns True, -14 if it never ends."""
    child = fork()
    if not child:
        signal.alarm(90)
        try:
            os._exit(0 if work() else 1)
        except BaseException:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def logits(scorer: RankingModel) -> list[float]:
    found: list[float] = scorer.score(PAIRS).logits.tolist()
    return found


def test_a_torch_model_scores_in_a_forked_process_what_it_scored_in_its_parent(
    tmp_path: Path, two_threads: None
) -> None:
    folder = str(save_family("bert", tmp_path, hidden_size=128, intermediate_size=512))
    scorer = load_scorer(folder, ScorerSettings(device="cpu", threads=2))
    expected = logits(scorer)

    def same() -> bool:
        return torch.get_num_threads() == 2 and logits(scorer) == expected

    assert end_of_child(same) == 0
    assert end_of_child(lambda: same() and end_of_child(same) == 0) == 0
    assert end_of_child(lambda: logits(load_scorer(folder, ScorerSettings(device="cpu"))) == expected) == 0
    assert logits(scorer) == expected


def test_an_onnx_model_scores_in_a_forked_process_what_it_scored_in_its_parent() -> None:
    scorer = load_scorer("default", ScorerSettings(threads=2))
    expected = logits(scorer)
    assert end_of_child(lambda: logits(scorer) == expected) == 0
