"""The examples of docs/python.md give what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import resift
from tests.docs.functions import ROOT

PAGE = ROOT / "docs" / "python.md"


def test_every_example_of_the_page_gives_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # a reader runs it again
        found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8", globs={})
        assert (found.failed, found.attempted > 10) == (0, True)


@pytest.mark.parametrize("name", ["Pipeline.search", "Pipeline.stream", "Reranker.rerank", "Reranker.with_settings"])
def test_the_methods_that_the_page_lists_exist_and_no_other_is_missing(name: str) -> None:
    owner, method = name.split(".")
    public = [one for one in vars(getattr(resift, owner)) if not one.startswith("_")]
    text = PAGE.read_text(encoding="utf-8")
    assert method in public
    assert [one for one in public if f"`{one}(" not in text] == []
