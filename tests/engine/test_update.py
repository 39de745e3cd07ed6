"""Adding, replacing and deleting documents of an existing index by id."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from resift.indexer.engine.checkpoint import CheckpointFile
from resift.indexer.engine.load import Loader, LoadRequest
from resift.indexer.engine.settings import LoadSettings
from resift.indexer.engine.update import UpdateOptions, add, delete
from resift.indexer.update_report import UpdateReport
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import connect
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document
from tests.engine.engines import ask
from tests.engine.recorder import recording
from tests.engine.searching import Fill, ids
from tests.engine.test_load import count

pytestmark = pytest.mark.engine
Change = Callable[..., UpdateReport]


@pytest.fixture
def loaded(target: str, tmp_path: Path) -> Callable[..., str]:
    """Load documents into a new index, and return its URL."""

    def load(texts: dict[str, str], **settings: int) -> str:
        address = read_address(target)
        made = LoadSettings(replicas=0, **settings)
        documents = [Document(doc_id, text, fields={"year": 1}) for doc_id, text in texts.items()]
        engine = connect(address)
        Loader(engine, address, Bm25Settings(), made).load(documents, LoadRequest("memory", state=tmp_path))
        engine.close()
        return target

    return load


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """Call `add` or `delete` for the index at a URL."""

    def run(
        function: Callable[..., UpdateReport], url: str, given: object, if_absent: bool = False, **settings: int
    ) -> UpdateReport:
        address = read_address(url)
        engine = connect(address)
        try:
            options = UpdateOptions(if_absent, tmp_path)
            return function(engine, address, given, LoadSettings(**settings), options)
        finally:
            engine.close()

    return run


def text(target: str, doc_id: str) -> object:
    source = ask("GET", f"{target}/_doc/{doc_id}")["_source"]
    assert isinstance(source, dict)
    return source["text"]


def test_new_documents_are_added_and_those_with_a_known_id_replaced(loaded: Callable[..., str], change: Change) -> None:
    target = loaded({"a": "old soup", "b": "bread"})
    report = change(add, target, [Document("a", "new salad"), Document("c", "cheese"), Document("c", "more cheese")])
    assert (report.created, report.updated, report.refused, report.documents) == (1, 2, 0, 3)
    assert text(target, "a") == "new salad" and text(target, "c") == "more cheese"
    assert ids(target, "soup") == set() and ids(target, "salad") == {"a"}  # visible at once
    again = change(add, target, [Document("a", "new salad")])
    assert (again.created, again.updated, again.documents) == (0, 1, 3)


def test_documents_that_exist_are_kept_if_only_absent_ones_are_added(
    loaded: Callable[..., str], change: Change
) -> None:
    target = loaded({"a": "old soup"})
    report = change(add, target, [Document("a", "new salad"), Document("b", "bread")], if_absent=True)
    assert (report.created, report.existing, report.refused, report.documents) == (1, 1, 0, 2)
    assert text(target, "a") == "old soup"


def test_documents_are_deleted_by_id_and_unknown_ids_counted(loaded: Callable[..., str], change: Change) -> None:
    target = loaded({"a": "soup", "b": "bread", "c": "cheese"})
    report = change(delete, target, ["a", "nope", "c", "a"])
    assert (report.deleted, report.missing, report.documents) == (2, 1, 1)
    assert ids(target, "soup bread cheese") == {"b"}


def test_a_document_whose_field_does_not_fit_the_mapping_is_listed_and_the_others_are_added(
    loaded: Callable[..., str], change: Change
) -> None:
    target = loaded({"a": "soup"})
    report = change(add, target, [Document("b", "x", fields={"year": "nineteen"}), Document("c", "y")])
    assert (report.created, report.refused, report.documents) == (1, 1, 2)
    [refused] = [json.loads(line) for line in Path(report.refusals).read_text().splitlines()]
    assert refused["doc_id"] == "b" and "year" in refused["reason"]


def test_an_index_that_does_not_exist_is_never_created(engine: str, name: str, target: str, change: Change) -> None:
    for function, given in ((add, [Document("a", "x")]), (delete, ["a"])):
        with pytest.raises(IndexingError, match=f"there is no index {name}"):
            change(function, target, given)
    with pytest.raises(IndexingError, match="names several indices"):
        change(add, f"{target}*", [Document("a", "x")])
    assert ask("GET", f"{engine}/{name}*") == {}


def test_an_index_of_another_program_gets_no_new_fields(filled: Fill, name: str, change: Change) -> None:
    target = filled({"1": {"body": "soup"}, "2": {"body": "bread"}})
    with pytest.raises(IndexingError, match=f"{name} was not made by resift and has no field text"):
        change(add, target, [Document("3", "cheese")])
    assert change(delete, target, ["2"]).deleted == 1 and count(target) == 1
    [mapping] = ask("GET", f"{target}/_mapping").values()
    assert isinstance(mapping, dict) and set(mapping["mappings"]["properties"]) == {"body"}


def test_an_alias_of_one_index_is_written_through_and_one_of_several_is_refused(
    engine: str, name: str, loaded: Callable[..., str], change: Change
) -> None:
    target = loaded({"a": "soup"})
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": {"index": name, "alias": f"{name}-live"}}]})
    assert change(add, f"{target}-live", [Document("b", "bread")]).index == name and count(target) == 2
    ask("PUT", f"{target}-other", {"aliases": {f"{name}-live": {}}})
    with pytest.raises(IndexingError, match=f"{name}-live is an alias of {name}, {name}-other"):
        change(delete, f"{target}-live", ["a"])


def test_a_data_stream_is_refused(stream: str, change: Change) -> None:
    with pytest.raises(IndexingError, match="is a data stream"):
        change(delete, stream, ["7"])


def test_a_changed_document_gets_all_its_passages_anew(loaded: Callable[..., str], change: Change) -> None:
    target = loaded({"a": "one two three four five", "b": "six seven eight"}, passage_words=2)
    assert count(target) == 5
    report = change(add, target, [Document("a", "nine ten eleven"), Document("c", "zero")])
    assert (report.created, report.updated, report.documents) == (1, 1, 5)  # a: 2, b: 2, c: 1
    assert ids(target, "five") == set() and ids(target, "eleven") == {"a"} and ids(target, "zero") == {"c"}
    kept = change(add, target, [Document("b", "gone"), Document("d", "dates")], if_absent=True)
    assert (kept.created, kept.existing) == (1, 1) and ids(target, "eight") == {"b"}
    twice = change(add, target, [Document("e", "a b c d e f"), Document("e", "last")])
    assert (twice.created, twice.updated, ids(target, "f")) == (1, 1, set()) and ids(target, "last") == {"e"}
    gone = change(delete, target, ["a", "nope", "b"])
    assert (gone.deleted, gone.missing, gone.documents) == (2, 1, 3)


def test_passages_must_have_the_length_of_the_load(loaded: Callable[..., str], change: Change) -> None:
    target = loaded({"a": "one two three"}, passage_words=2)
    with pytest.raises(IndexingError, match="has passages of 2 words"):
        change(add, target, [Document("b", "x")], passage_words=3)
    assert change(add, target, [Document("b", "x")], passage_words=2).created == 1


def test_whole_documents_are_not_split_afterwards(loaded: Callable[..., str], change: Change) -> None:
    with pytest.raises(IndexingError, match="not split into passages"):
        change(add, loaded({"a": "one"}), [Document("b", "x")], passage_words=3)


def test_after_lost_responses_an_update_is_retried_and_the_index_is_right(
    engine: str, name: str, loaded: Callable[..., str], change: Change
) -> None:
    target = loaded({f"d{n}": f"old {n}" for n in range(300)})
    lost: list[int] = []

    def cut(path: str, number: int, data: bytes) -> bytes | None:
        if path.endswith("/_bulk") and len(lost) < 3:
            lost.append(number)
            return None
        return data

    with recording(engine, cut) as (proxy, _):
        new = [Document(f"d{n}", f"new {n}") for n in range(200, 400)]
        report = change(add, f"{proxy}/{name}", new, bulk_documents=20)
    assert len(lost) == 3 and report.created + report.updated == 200 and report.refused == 0
    assert report.documents == count(target) == 400
    assert text(target, "d199") == "old 199" and text(target, "d200") == "new 200"


def test_an_index_that_is_replaced_during_an_update_is_an_error(
    engine: str, name: str, loaded: Callable[..., str], change: Change
) -> None:
    target = loaded({"a": "soup"})

    def remove(path: str, number: int, data: bytes) -> bytes:
        if path.endswith("/_bulk"):
            ask("DELETE", target)
        return data

    with recording(engine, remove) as (proxy, _), pytest.raises(IndexingError, match="removed"):
        change(add, f"{proxy}/{name}", [Document(f"{n}", "x") for n in range(100)], bulk_documents=50, workers=1)


def test_a_closed_index_stops_an_update(loaded: Callable[..., str], change: Change) -> None:
    target = loaded({"a": "soup"})
    ask("POST", f"{target}/_close")
    with pytest.raises(IndexingError, match="is closed"):
        change(add, target, [Document("b", "x")])
    ask("POST", f"{target}/_open")


def test_a_stopped_load_must_be_finished_first(loaded: Callable[..., str], change: Change, tmp_path: Path) -> None:
    target = loaded({"a": "soup"})
    checkpoint = CheckpointFile(tmp_path, str(read_address(target)))
    checkpoint.path.write_text("{}")
    with pytest.raises(IndexingError, match="was stopped"):
        change(delete, target, ["a"])
    checkpoint.path.unlink()
    assert change(delete, target, ["a"]).deleted == 1


@pytest.mark.parametrize("words", [0, 3])
def test_replacing_that_loses_all_titles_is_refused_with_nothing_changed(
    loaded: Callable[..., str], change: Change, words: int
) -> None:
    url = loaded({"1": "a hammer made of steel"}, **({"passage_words": words} if words else {}))
    change(add, url, [Document("1", "a hammer made of steel", "Hammer")])
    with pytest.raises(IndexingError, match="none of the documents to add has a title, but the index has one for '1'"):
        change(add, url, [Document("new", "price"), Document("1", "1.11 EUR")])
    assert change(add, url, [Document("1", "1.11 EUR", "Hammer"), Document("new", "price")]).updated == 1
    assert change(add, url, [Document("1", "")], True).existing == 1


def test_an_index_of_another_program_keeps_its_mapping(filled: Fill, change: Change) -> None:
    target = filled({"1": {"text": "soup"}}, {"properties": {"text": {"type": "text"}, "year": {"type": "long"}}})
    before = ask("GET", f"{target}/_mapping")
    with pytest.raises(IndexingError, match=r"not made by resift and has no field lang, title, .*`fields`"):
        change(add, target, [Document("2", "bread"), Document("3", "salt", "Salt", {"year": 1, "lang": "en"})])
    assert ask("GET", f"{target}/_mapping") == before and count(target) == 1
    assert change(add, target, [Document("2", "bread", fields={"year": 1})]).created == 1
    assert ask("GET", f"{target}/_mapping") == before
