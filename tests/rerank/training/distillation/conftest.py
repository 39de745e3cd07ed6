"""A small teacher, saved once, and lists that it scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.loading import Network, load_network
from tests.rerank.training.distillation.small_teacher import save_teacher, scored_lists


@pytest.fixture(scope="session")
def teacher_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_teacher(tmp_path_factory.mktemp("teacher") / "teacher")


@pytest.fixture(scope="session")
def teacher(teacher_folder: Path) -> Network:
    return load_network(teacher_folder)


@pytest.fixture(scope="session")
def lists(teacher: Network) -> list[CandidateList]:
    return scored_lists(teacher, 32)
