"""The table of first stages: what a URL names is decided by its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.retrieval.engine.retriever import EngineRetriever
from resift.retrieval.errors import SettingsError
from resift.retrieval.registry import RETRIEVERS, has_scheme, is_engine, split_url


@pytest.mark.parametrize("scheme", RETRIEVERS)
def test_a_url_is_an_engines_if_its_row_names_the_engines_class(scheme: str) -> None:
    is_row_of_engine = RETRIEVERS[scheme] == f"{EngineRetriever.__module__}:{EngineRetriever.__name__}"
    assert is_engine(f"{scheme}:anything") == is_row_of_engine
    assert has_scheme(f"{scheme}:anything")


@pytest.mark.parametrize("text", ["", "http", "folder", "nanobeir:scifact", "ftp://host/i"])
def test_other_texts_are_neither_an_engines_nor_have_a_scheme(text: str) -> None:
    assert not is_engine(text) and not has_scheme(text)


def test_a_url_is_split_at_its_scheme_and_a_folder_is_an_embedded_index(tmp_path: Path) -> None:
    assert split_url("http://host:9200/articles") == ("http", "//host:9200/articles")
    assert split_url("cloud:articles") == ("cloud", "articles")
    assert split_url(str(tmp_path)) == split_url(f"bm25:{tmp_path}") == ("bm25", str(tmp_path))
    with pytest.raises(SettingsError, match="unknown scheme"):
        split_url("ftp://host/i")
