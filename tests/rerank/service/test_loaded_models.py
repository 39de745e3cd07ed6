"""Models in memory: a reload replaces them without a pause, and one that fails leaves the old copy in place."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from resift.rerank.scorers.lookup import EMBEDDED_FOLDER
from resift.rerank.service.call import RequestOptions, RerankCall
from resift.rerank.service.loaded_models import folder_revision
from resift.rerank.service.reranking import Caller, RerankService
from resift.rerank.service.settings import ServeSettings
from resift.retrieval.errors import ModelError
from tests.rerank.service.in_process import DOCUMENTS, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a model of the package, which a test may change."""
    return Path(shutil.copytree(EMBEDDED_FOLDER / "resift-tiny", tmp_path / "mine"))


def test_a_reload_takes_the_new_files_and_requests_under_way_keep_the_old(folder: Path) -> None:
    async def work(one: RerankService) -> None:
        before = await one.models.acquire("mine")
        shutil.rmtree(folder)
        shutil.copytree(EMBEDDED_FOLDER / "resift-small", folder)
        assert await one.models.reload() == ["mine"]
        after = await one.models.acquire("mine")
        assert after is not before and after.revision != before.revision
        assert after.facts is not before.facts
        answer = await one.call(RerankCall("cat", DOCUMENTS, RequestOptions(model="mine")), Caller())
        assert answer.treatment.scored == 20
        one.models.release(before)

    run(work, ServeSettings(serve_model=f"mine={folder}"))


def test_a_reload_that_fails_keeps_the_old_copy(folder: Path) -> None:
    async def work(one: RerankService) -> None:
        one.models.release(await one.models.acquire("mine"))
        (folder / "config.json").write_text("{", encoding="utf-8")
        with pytest.raises(ModelError):
            await one.models.reload()
        answer = await one.call(RerankCall("cat", DOCUMENTS, RequestOptions(model="mine")), Caller())
        assert answer.treatment.scored == 20

    run(work, ServeSettings(serve_model=f"mine={folder}"))


def test_requests_that_ask_for_the_same_model_at_once_load_it_once() -> None:
    async def work(one: RerankService) -> None:
        found = await asyncio.gather(*(one.models.acquire("resift-tiny") for _ in range(5)))
        assert len({id(model) for model in found}) == 1 and found[0].users == 5

    run(work)


def test_the_revision_of_a_folder_changes_with_its_files(folder: Path) -> None:
    revision, size = folder_revision(folder)
    assert folder_revision(folder) == (revision, size)
    (folder / "note.txt").write_text("one more file", encoding="utf-8")
    changed, larger = folder_revision(folder)
    assert changed != revision and larger == size + 13
