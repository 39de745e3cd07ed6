import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.indexer.bm25.build import build_index
from resift.indexer.bm25.inversion import Inversion
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document, Query
from tests.indexer.bm25.indices import OLD, SETTINGS, build, found, names


def test_report_counts_what_the_index_holds(tmp_path: Path) -> None:
    seen: list[int] = []
    documents = [Document("a", "the cat sat", "Cats"), Document("b", "a dog")]
    report = build_index(documents, tmp_path / "new" / "i", SETTINGS, progress=seen.append)
    files = list((tmp_path / "new" / "i").iterdir())
    assert (report.documents, report.tokens, report.vocabulary) == (2, 4, 3)
    assert report.bytes == sum(file.stat().st_size for file in files)
    assert report.seconds > 0
    assert seen[-1] == 2
    assert names(tmp_path / "new") == ["i"]


def test_documents_are_read_once_from_a_generator_and_not_kept(tmp_path: Path) -> None:
    alive: list[int] = [0, 0]

    class Text(str):
        def __init__(self, _: str) -> None:
            alive[0] += 1
            alive[1] = max(alive)

        def __del__(self) -> None:
            alive[0] -= 1

    build_index((Document(str(n), Text("zebra")) for n in range(500)), tmp_path / "i", SETTINGS)
    assert alive[1] < 5


def test_manifest_has_settings_and_counts(tmp_path: Path) -> None:
    build_index(OLD, tmp_path / "i", Bm25Settings(0.9, 0.4, "german"))
    manifest = json.loads((tmp_path / "i" / "manifest.json").read_text())
    assert manifest["settings"] == {"k1": 0.9, "b": 0.4, "language": "german"}
    assert (manifest["documents"], manifest["vocabulary"], manifest["postings"]) == (1, 1, 1)


def test_many_small_runs_merge_to_the_same_postings_as_one(tmp_path: Path) -> None:
    texts = [[(n * step) % 17 for step in range(n % 9)] for n in range(200)]
    merged = []
    for size in (1, 7, 10**6):
        folder = tmp_path / str(size)
        folder.mkdir()
        inversion = Inversion(folder, run_tokens=size)
        for text in texts:
            inversion.add(text)
        inversion.flush()
        [(bounds, postings)] = inversion.merge(17)
        merged.append((bounds.tolist(), postings.tolist(), inversion.lengths().tolist()))
    assert merged[0] == merged[1] == merged[2]
    assert merged[0][2] == [len(text) for text in texts]


@pytest.mark.parametrize("ids", [["x", "y", "x"], ["x", "x"]])
def test_id_that_comes_twice_is_refused_by_name(tmp_path: Path, ids: list[str]) -> None:
    with pytest.raises(CorpusError, match=f"documents 1 and {len(ids)} have the same id 'x'"):
        build(tmp_path / "i", [Document(i, "zebra") for i in ids])
    assert names(tmp_path) == []


def test_empty_id_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="document 2 has an empty id"):
        build(tmp_path / "i", [*OLD, Document("", "x")])


def test_corpus_without_documents_is_refused_and_the_old_index_stays(tmp_path: Path) -> None:
    build(tmp_path / "i", OLD)
    with pytest.raises(CorpusError, match="there are no documents"):
        build(tmp_path / "i", [], overwrite=True)
    assert found(tmp_path / "i") == ["old"]
    assert names(tmp_path) == ["i"]


def test_fields_that_are_not_json_are_refused_and_dates_become_text(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="the fields of document 'a' cannot be written as JSON"):
        build(tmp_path / "i", [Document("a", "x", fields={"f": {(1, 2): 3}})])
    build(tmp_path / "i", [Document("a", "zebra", fields={"path": Path("p")})])
    [ranking] = Bm25Retriever.open(tmp_path / "i").retrieve([Query("q", "zebra")], 1)
    assert ranking.hits[0].document.fields == {"path": "p"}


def test_read_error_leaves_the_old_index_and_names_the_source(tmp_path: Path) -> None:
    def breaking() -> Iterator[Document]:
        yield Document("new", "zebra")
        raise OSError("the cable is out")

    build(tmp_path / "i", OLD)
    with pytest.raises(CorpusError, match="the documents cannot be read: the cable is out"):
        build_index(breaking(), tmp_path / "i", SETTINGS, overwrite=True)
    assert found(tmp_path / "i") == ["old"]
    assert names(tmp_path) == ["i"]
