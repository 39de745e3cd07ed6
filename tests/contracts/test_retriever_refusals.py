"""What every row of the retriever registry refuses, and that the error is one line that says where."""

from __future__ import annotations

import pytest

from resift.retrieval.errors import EngineError, ResiftError, SettingsError
from resift.retrieval.registry import RETRIEVERS, open_retriever
from resift.retrieval.types import Document, Query
from tests.contracts.place import Place
from tests.contracts.retriever_rows import NOWHERE


def is_one_line(error: ResiftError) -> bool:
    return len(str(error).splitlines()) == 1


def test_a_depth_below_one_is_refused_for_any_number_of_queries(place: Place) -> None:
    retriever = place.open([Document("1", "soup")])
    for depth in (0, -1, -100):
        for queries in ([], [Query("1", "soup")], [Query("1", "soup"), Query("2", "bread")]):
            with pytest.raises(SettingsError, match=f"^depth: {depth} is too small; expected 1 or more") as caught:
                retriever.retrieve(queries, depth)
            assert caught.value.field == "depth" and is_one_line(caught.value)


def test_an_index_that_does_not_exist_is_an_error_that_names_it(place: Place) -> None:
    with pytest.raises(EngineError) as caught:
        open_retriever(place.missing, place.options).retrieve([Query("1", "soup")], 10)
    url = caught.value.url or "none"
    assert str(caught.value).startswith(f"{url}: ") and place.missing.startswith(url)
    assert "missing" in str(caught.value) and is_one_line(caught.value)


def test_an_index_that_can_no_longer_be_read_is_an_error_that_names_it(place: Place) -> None:
    address = place.write([Document("1", "soup"), Document("2", "soup")])
    retriever = open_retriever(address, place.options)
    assert len(retriever.retrieve([Query("1", "soup")], 10)[0].hits) == 2
    place.spoil(address)
    for queries in ([Query("1", "soup")], [Query("1", "soup"), Query("2", "soup")]):
        with pytest.raises(EngineError) as caught:
            retriever.retrieve(queries, 10)
        url = caught.value.url or "none"
        assert str(caught.value).startswith(f"{url}: ") and address.startswith(url)
        assert is_one_line(caught.value)


@pytest.mark.parametrize("scheme", RETRIEVERS)
def test_an_index_that_cannot_be_reached_is_an_error_that_names_it(scheme: str) -> None:
    address, options = NOWHERE[scheme]
    with pytest.raises(EngineError) as caught:
        open_retriever(address, options)
    url = caught.value.url or "none"
    assert str(caught.value).startswith(f"{url}: ") and address.startswith(url)
    assert is_one_line(caught.value)


@pytest.mark.parametrize("rest", ["", " ", "\n"])
@pytest.mark.parametrize("scheme", RETRIEVERS)
def test_a_url_that_names_no_index_is_refused(scheme: str, rest: str) -> None:
    with pytest.raises(SettingsError, match="names no index; expected bm25:PATH") as caught:
        open_retriever(f"{scheme}:{rest}")
    assert caught.value.field == "index" and is_one_line(caught.value)
