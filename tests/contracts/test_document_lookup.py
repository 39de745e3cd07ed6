"""What every row of the retriever registry does beside searching: it fetches documents by id, and samples them."""

from __future__ import annotations

from typing import cast

import pytest

from resift.retrieval.errors import EngineError, SettingsError
from resift.retrieval.lookup import DocumentLookup
from resift.retrieval.registry import RETRIEVERS, open_retriever
from resift.retrieval.types import Document
from tests.contracts.place import Place
from tests.contracts.protocols import differences, load_class

DOCUMENTS = [Document(f"d{n}", f"soup number{n}", f"title {n}", {"year": 1990 + n}) for n in range(40)]


@pytest.mark.parametrize("scheme", RETRIEVERS)
def test_the_class_of_a_row_has_what_the_protocol_declares(scheme: str) -> None:
    assert differences(load_class(RETRIEVERS[scheme]), DocumentLookup) == []


def opened(place: Place, documents: list[Document]) -> DocumentLookup:
    return cast(DocumentLookup, place.open(documents))


def test_documents_are_fetched_by_their_ids_with_the_texts_of_a_search(place: Place) -> None:
    lookup = opened(place, DOCUMENTS)
    found = lookup.documents(["d7", "absent", "d30", "d7"])
    assert {doc_id: [(one.doc_id, one.title, one.text) for one in entries] for doc_id, entries in found.items()} == {
        "d7": [("d7", "title 7", "soup number7")],
        "d30": [("d30", "title 30", "soup number30")],
    }
    assert lookup.documents([]) == {}
    assert len(lookup.documents([one.doc_id for one in DOCUMENTS] * 3)) == 40


def test_unusual_ids_are_found(place: Place) -> None:
    ids = ["a b", "a/b", "ü", '"', "a,b", "*", "d"]
    lookup = opened(place, [Document(doc_id, "soup") for doc_id in ids])
    assert sorted(lookup.documents([*ids, "%", "a"])) == sorted(ids)


def test_a_sample_is_of_different_documents_and_the_same_for_a_seed(place: Place) -> None:
    lookup = opened(place, DOCUMENTS)
    one, same, other = ([found.doc_id for found in lookup.sample(10, seed)] for seed in (1, 1, 2))
    assert one == same != other
    assert len(set(one)) == 10
    assert one != sorted(one, key=lambda doc_id: int(doc_id[1:]))
    assert {found.doc_id for found in lookup.sample(100, 3)} == {found.doc_id for found in DOCUMENTS}
    assert lookup.sample(1, 4)[0].text.startswith("soup")


def test_every_document_is_drawn_about_equally_often(place: Place) -> None:
    lookup = opened(place, DOCUMENTS[:4])
    drawn = [lookup.sample(1, seed)[0].doc_id for seed in range(200)]  # an engine's draws differ from index to index
    assert all(17 <= drawn.count(one.doc_id) for one in DOCUMENTS[:4])  # each 50 times on average


def test_a_sample_of_nothing_is_refused(place: Place) -> None:
    with pytest.raises(SettingsError):
        opened(place, DOCUMENTS[:1]).sample(0, 1)


def test_an_index_that_cannot_be_read_is_an_engine_error(place: Place) -> None:
    url = place.write(DOCUMENTS[:3])
    lookup = cast(DocumentLookup, open_retriever(url, place.options))
    place.spoil(url)
    with pytest.raises(EngineError):
        lookup.documents(["d1"])
    with pytest.raises(EngineError):
        lookup.sample(2, 1)
