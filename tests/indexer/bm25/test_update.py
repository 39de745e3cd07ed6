import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resift.indexer.bm25.build import BuildOptions, build_index
from resift.indexer.bm25.merging import similar
from resift.indexer.bm25.segment_writer import Passages
from resift.indexer.bm25.update import AddOptions, add_documents, delete_documents, optimize_index
from resift.retrieval.bm25 import store
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.errors import CorpusError, EngineError, IndexingError
from resift.retrieval.types import Document, Query
from tests.indexer.bm25.indices import OLD, SETTINGS, build, found, names

WORDS = ["ox", "elk", "yak", "emu", "gnu", "kiwi"]
QUERIES = ["zebra", "ox", "yak emu", "kiwi ox ox gnu", " ".join(WORDS), "absent"]


def rankings(path: Path, depth: int) -> list[list[tuple[Document, float]]]:
    found = Bm25Retriever.open(path).retrieve([Query(text, text) for text in QUERIES], depth)
    return [[(hit.document, hit.score) for hit in ranking.hits] for ranking in found]


TEXTS = st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join)
WHOLE = AddOptions(replace_whole=True)
ADDITION = st.dictionaries(st.integers(0, 25).map(str), TEXTS, min_size=1, max_size=8)
DELETION = st.sets(st.integers(0, 30).map(str), max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=ADDITION,
    changes=st.lists(st.one_of(ADDITION, DELETION), min_size=1, max_size=5),
    bm25=st.sampled_from([Bm25Settings(1.2, 0.75, "standard"), Bm25Settings(0.0, 1.0, "standard")]),
    passages=st.sampled_from([Passages(), Passages(3, 1)]),
    depth=st.integers(1, 30),
)
def test_changed_index_gives_documents_order_and_scores_of_one_built_anew(
    tmp_path: Path,
    first: dict[str, str],
    changes: list[dict[str, str] | set[str]],
    bm25: Bm25Settings,
    passages: Passages,
    depth: int,
) -> None:
    live = dict(first)
    options = BuildOptions(passages)
    build_index([Document(i, t) for i, t in live.items()], tmp_path / "i", bm25, overwrite=True, options=options)
    for change in changes:
        if isinstance(change, dict):
            report = add_documents(tmp_path / "i", [Document(i, t) for i, t in change.items()], WHOLE)
            assert (report.created, report.updated) == (len(change.keys() - live.keys()), len(change.keys() & live))
            live |= change
        else:
            report = delete_documents(tmp_path / "i", change)
            assert (report.deleted, report.missing) == (len(change & live.keys()), len(change - live.keys()))
            live = {doc_id: text for doc_id, text in live.items() if doc_id not in change}
        assert report.documents == len(live)
    if not live:
        assert rankings(tmp_path / "i", depth) == [[]] * len(QUERIES)
        return
    anew = [Document(doc_id, text) for doc_id, text in sorted(live.items())]
    build_index(anew, tmp_path / "anew", bm25, overwrite=True, options=options)
    assert rankings(tmp_path / "i", depth) == rankings(tmp_path / "anew", depth)
    optimize_index(tmp_path / "i")
    assert rankings(tmp_path / "i", depth) == rankings(tmp_path / "anew", depth)
    assert not (tmp_path / "i" / store.SEGMENTS).exists()


def test_many_additions_are_merged_and_find_what_one_build_finds(tmp_path: Path) -> None:
    documents = [Document(f"{n:03}", f"{WORDS[n % 6]} {WORDS[n % 5]} word{n}", f"title {n}") for n in range(46)]
    build(tmp_path / "anew", documents)
    build(tmp_path / "i", documents[:30])
    for number in range(30, 46):
        add_documents(tmp_path / "i", [documents[number]])
    segments = json.loads((tmp_path / "i" / store.MANIFEST).read_text())["segments"]
    assert 1 < len(segments) <= 10
    assert rankings(tmp_path / "i", 50) == rankings(tmp_path / "anew", 50)
    assert len(names(tmp_path / "i" / store.SEGMENTS)) == len(segments) - 1


def test_segments_to_merge_are_the_smallest_of_similar_size() -> None:
    assert similar({"a": 1000, "b": 1, "c": 1, "d": 2, "e": 4, "f": 9}) == ["b", "c", "d", "e"]
    assert similar({"a": 5, "b": 900}) == ["a", "b"]


def test_index_is_built_anew_when_half_of_it_is_deleted_or_it_doubles(tmp_path: Path) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra") for n in range(10)])
    delete_documents(tmp_path / "i", ["1", "2"])
    assert (tmp_path / "i" / store.SEGMENTS).exists()
    delete_documents(tmp_path / "i", map(str, range(6)))
    assert not (tmp_path / "i" / store.SEGMENTS).exists()
    assert found(tmp_path / "i") == ["9", "8", "7", "6"]
    add_documents(tmp_path / "i", [Document(f"n{n}", "zebra") for n in range(5)])
    assert not (tmp_path / "i" / store.SEGMENTS).exists()
    assert names(tmp_path) == ["i"]


def test_index_is_emptied_and_filled_again(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    assert delete_documents(tmp_path / "i", ["old"]).documents == 0
    assert found(tmp_path / "i") == []
    assert optimize_index(tmp_path / "i").documents == 0
    add_documents(tmp_path / "i", [Document("new", "zebra")])
    assert found(tmp_path / "i") == ["new"]


def test_id_that_is_deleted_twice_is_counted_once(tmp_path: Path) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra") for n in range(5)])
    report = delete_documents(tmp_path / "i", ["1", "1"])
    assert (report.deleted, report.missing, report.documents) == (1, 0, 4)
    report = delete_documents(tmp_path / "i", ["1"])
    assert (report.deleted, report.missing, report.documents) == (0, 1, 4)


def test_merging_twice_changes_nothing(tmp_path: Path) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra " * n) for n in range(1, 6)])
    delete_documents(tmp_path / "i", ["3"])
    before = rankings(tmp_path / "i", 10)
    for _ in range(2):
        optimize_index(tmp_path / "i")
        assert rankings(tmp_path / "i", 10) == before


def test_id_of_one_word_or_with_quotes_and_any_script_is_found_again(tmp_path: Path) -> None:
    ids = ['"Heat"_(album)', "a\\b", "é", "\U0001f600", "\ud800", "id", "id#1", 'x", "text": "y']
    build(tmp_path / "i", [Document(i, "zebra") for i in [*ids, *(f"more{n}" for n in range(20))]])
    assert delete_documents(tmp_path / "i", ids).deleted == len(ids)
    assert len(found(tmp_path / "i")) == 20


def test_open_reader_keeps_its_snapshot_while_the_index_changes(tmp_path: Path) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra") for n in range(4)])
    add_documents(tmp_path / "i", [Document("added", "zebra")])
    reader = Bm25Retriever.open(tmp_path / "i")
    delete_documents(tmp_path / "i", ["added", "0"])
    add_documents(tmp_path / "i", [Document("late", "zebra")])
    optimize_index(tmp_path / "i")
    [ranking] = reader.retrieve([Query("q", "zebra")], 10)
    assert [hit.document.doc_id for hit in ranking.hits] == ["added", "3", "2", "1", "0"]
    assert found(tmp_path / "i") == ["late", "3", "2", "1"]


def test_documents_that_are_there_can_be_kept(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    both = [Document("old", "yak"), Document("new", "zebra")]
    report = add_documents(tmp_path / "i", both, AddOptions(if_absent=True))
    assert (report.created, report.updated, report.existing) == (1, 0, 1)
    assert found(tmp_path / "i") == ["old", "new"]
    assert add_documents(tmp_path / "i", both, AddOptions(if_absent=True)).existing == 2


def test_bad_addition_changes_nothing(tmp_path: Path) -> None:
    def breaking() -> Iterator[Document]:
        yield Document("new", "zebra")
        raise OSError("the cable is out")

    build(tmp_path / "i", OLD)
    before = names(tmp_path / "i")
    for documents in (breaking(), iter([Document("x", "zebra")] * 2), iter([Document("", "zebra")])):
        with pytest.raises(CorpusError):
            add_documents(tmp_path / "i", documents)
        assert names(tmp_path / "i") == before
    assert found(tmp_path / "i") == ["old"]


def test_index_of_an_earlier_resift_is_searched_as_it_is_and_built_anew_by_its_first_change(tmp_path: Path) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra") for n in range(9)])
    manifest = json.loads((tmp_path / "i" / store.MANIFEST).read_text())
    for name in store.CHANGE_FILES:
        (tmp_path / "i" / name).unlink()
        del manifest["files"][name]
    for key in ("created", "source"):
        del manifest[key]
    (tmp_path / "i" / store.MANIFEST).write_text(json.dumps(manifest))
    assert found(tmp_path / "i") == [str(n) for n in reversed(range(9))]
    add_documents(tmp_path / "i", [Document("x", "zebra")])
    assert found(tmp_path / "i") == ["x", *(str(n) for n in reversed(range(9)))]


def test_missing_index_and_folder_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="does not exist"):
        add_documents(tmp_path / "none", OLD)
    with pytest.raises(EngineError, match="is not an index"):
        delete_documents(tmp_path, ["a"])
    assert names(tmp_path) == []


def test_files_that_a_person_has_put_into_the_folder_are_never_removed(tmp_path: Path) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra") for n in range(3)])
    (tmp_path / "i" / "notes.txt").write_text("mine")
    assert delete_documents(tmp_path / "i", ["0", "1"]).documents == 1
    with pytest.raises(IndexingError, match="holds files that are not part of the index .notes.txt."):
        optimize_index(tmp_path / "i")
    assert found(tmp_path / "i") == ["2"]
    assert (tmp_path / "i" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("key", ["settings", "documents", "version", "base"])
def test_manifest_without_a_part_is_refused_by_a_change(tmp_path: Path, key: str) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra") for n in range(9)])
    add_documents(tmp_path / "i", [Document("1", "zebra")])
    manifest = json.loads((tmp_path / "i" / store.MANIFEST).read_text())
    del manifest[key]
    (tmp_path / "i" / store.MANIFEST).write_text(json.dumps(manifest))
    if key != "documents":
        with pytest.raises(EngineError, match="build it with"):
            delete_documents(tmp_path / "i", ["2"])
    with pytest.raises(EngineError, match="build it with"):
        Bm25Retriever.open(tmp_path / "i")


def test_damaged_part_of_a_changed_index_is_refused_with_what_to_do(tmp_path: Path) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra") for n in range(9)])
    add_documents(tmp_path / "i", [Document("1", "zebra")])
    for file in sorted((tmp_path / "i").rglob("*")):
        if file.is_file() and file.name != store.MANIFEST:
            shutil.copytree(tmp_path / "i", tmp_path / "harmed")
            harmed = tmp_path / "harmed" / file.relative_to(tmp_path / "i")
            harmed.write_bytes(b"#" * file.stat().st_size)
            with pytest.raises(EngineError, match="is missing or damaged; build it with"):
                Bm25Retriever.open(tmp_path / "harmed")
            shutil.rmtree(tmp_path / "harmed")


@pytest.mark.parametrize("name", ["../i", "segments/../..", "/tmp"])
def test_manifest_that_names_a_segment_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    build(tmp_path / "i", [Document(str(n), "zebra") for n in range(9)])
    add_documents(tmp_path / "i", [Document("1", "zebra")])
    manifest = json.loads((tmp_path / "i" / store.MANIFEST).read_text())
    manifest["segments"][1]["folder"] = name
    (tmp_path / "i" / store.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(EngineError, match="is not a segment"):
        Bm25Retriever.open(tmp_path / "i")


def test_html_is_stored_and_not_indexed_and_other_texts_are_indexed_as_before(tmp_path: Path) -> None:
    text = '<p class="lead">Red &amp; green</p>'
    build_index([Document("a", text, "<b>Title</b>"), Document("b", "List<String> p")], tmp_path / "i", SETTINGS)
    [ranking] = Bm25Retriever.open(tmp_path / "i").retrieve([Query("q", "green title")], 5)
    assert [(hit.document.doc_id, hit.document.text) for hit in ranking.hits] == [("a", text)]
    assert found(tmp_path / "i", "class lead p amp") == ["b"]
    assert found(tmp_path / "i", "string") == ["b"]


def test_index_says_when_and_from_what_it_was_made(tmp_path: Path) -> None:
    build_index(OLD, tmp_path / "i", SETTINGS, options=BuildOptions(source="corpus.jsonl"))
    made = json.loads((tmp_path / "i" / store.MANIFEST).read_text())
    assert made["source"] == "corpus.jsonl"
    assert made["created"].endswith("Z") and len(made["created"]) == len("2026-01-01T00:00:00Z")
    add_documents(tmp_path / "i", [Document("new", "yak")])
    optimize_index(tmp_path / "i")
    again = json.loads((tmp_path / "i" / store.MANIFEST).read_text())
    assert (again["created"], again["source"]) == (made["created"], made["source"])


@pytest.mark.parametrize("passages", [Passages(), Passages(3, 1)])
@pytest.mark.parametrize(
    ("part", "added"), [("title", Document("1", "1.11 EUR", "")), ("text", Document("1", "", "Hammer"))]
)
def test_replacing_that_loses_all_titles_or_texts_is_refused(
    tmp_path: Path, passages: Passages, part: str, added: Document
) -> None:
    stored = Document("1", "a hammer made of steel", "Hammer")
    build_index([stored, Document("2", "x")], tmp_path / "i", SETTINGS, options=BuildOptions(passages))
    with pytest.raises(IndexingError, match=f"has a {part}, but the index has one for '1'"):
        add_documents(tmp_path / "i", [Document("new", added.text, added.title), added])
    assert add_documents(tmp_path / "i", [added, Document("3", "text", "title")]).updated == 1
    assert add_documents(tmp_path / "i", [stored]).updated == 1
    assert add_documents(tmp_path / "i", [added], AddOptions(if_absent=True)).existing == 1
    assert add_documents(tmp_path / "i", [added], AddOptions(replace_whole=True)).updated == 1


def test_documents_that_are_new_or_lose_nothing_need_no_title(tmp_path: Path) -> None:
    build_index([Document("1", "zebra", "A"), Document("2", "ox")], tmp_path / "i", SETTINGS)
    report = add_documents(tmp_path / "i", [Document("2", "elk"), Document("3", "yak")])
    assert (report.created, report.updated) == (1, 1)
