"""`resift add` and `resift delete`, and what `resift index` shares with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.types import Query
from tests.rerank.cli.invoke import assert_one_line, invoke

DOCUMENTS = [{"id": "a", "text": "red lentil soup"}, {"id": "b", "text": "green tea"}, {"id": "c", "text": "pea soup"}]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(document) + "\n" for document in DOCUMENTS))
    assert invoke("index", str(tmp_path / "corpus.jsonl"), "--to", f"bm25:{tmp_path / 'ix'}").code == 0
    return tmp_path / "ix"


def found(index: Path, text: str) -> list[str]:
    [ranking] = Bm25Retriever.open(index).retrieve([Query("q", text)], 10)
    return [hit.document.doc_id for hit in ranking.hits]


def lines(*documents: dict[str, str]) -> bytes:
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def test_add_replaces_documents_with_the_same_id_and_says_how_many(index: Path) -> None:
    done = invoke(
        "add", "-", "--to", f"bm25:{index}", stdin=lines({"id": "a", "text": "tea"}, {"id": "d", "text": "tea"})
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"bm25:{index}: 1 added, 1 replaced; 4 documents, ")
    assert found(index, "tea") == ["d", "a", "b"]
    assert found(index, "lentil") == []


def test_add_takes_the_settings_of_a_corpus_and_reports_as_json(index: Path, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("sku;body\nx;tea\n;no id\n")
    command = ("add", str(tmp_path / "more.csv"), "--to", str(index), "--id-field", "sku", "--delimiter", ";")
    done = invoke(*command, "--skip-bad", "--json")
    report = json.loads(done.out)
    assert {name: report[name] for name in ("created", "updated", "documents", "skipped", "index")} == {
        "created": 1, "updated": 0, "documents": 4, "skipped": 1, "index": str(index),
    }  # fmt: skip


def test_documents_that_are_there_are_kept_on_request(index: Path) -> None:
    done = invoke("add", "-", "--to", f"bm25:{index}", "--if-absent", stdin=lines({"id": "a", "text": "tea"}))
    assert "nothing changed; 3 documents" in done.out
    assert done.err == "note: 1 document that the index has already, left as they are\n"
    assert found(index, "tea") == ["b"]


@pytest.mark.parametrize("way", ["arguments", "file", "standard input"])
def test_delete_takes_ids_from_arguments_a_file_or_standard_input_and_counts_the_missing(
    index: Path, tmp_path: Path, way: str
) -> None:
    (tmp_path / "ids.txt").write_text("a\n\nnone\n c \n")
    given = {"arguments": ["a", "none", "c"], "file": ["--ids", str(tmp_path / "ids.txt")], "standard input": ["-"]}
    done = invoke("delete", *given[way], "--from", f"bm25:{index}", stdin=b"a\nnone\nc\n")
    assert done.code == 0
    assert done.out.startswith(f"bm25:{index}: 2 deleted; 1 document, ")
    assert done.err == "note: 1 id to delete that the index does not have\n"
    assert found(index, "soup tea") == ["b"]


def test_optimize_alone_merges(index: Path) -> None:
    invoke("delete", "a", "--from", f"bm25:{index}")
    done = invoke("add", "--to", f"bm25:{index}", "--optimize")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"bm25:{index}: merged; 2 documents, ")
    assert not (index / "segments").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("add", "--to", "bm25:ix"), "Missing argument 'SOURCE'"),
        (("add", "-", "--to", "bm25:ix", "--passage-words", "5"), "leave out --passage-words"),
        (("add", "-", "--to", "bm25:ix", "--shards", "2"), "--shards is for an index of Elasticsearch"),
        (("add", "-", "--to", "bm25:ix", "--state", "x"), "--state is for an index of Elasticsearch"),
        (("add", "-", "--to", "http://localhost:1/ix", "--optimize"), "--optimize is for an embedded index"),
        (("add", "-", "--to", "http://localhost:1/ix", "--replicas", "2"), "--replicas is for a new index"),
        (("delete", "--from", "bm25:ix"), "there are no ids; name some, or a file of them with --ids FILE"),
        (("delete", "a", "--from", "bm25:ix", "--state", "x"), "--state is for an index of Elasticsearch"),
    ],
)
def test_flags_without_effect_are_refused(command: tuple[str, ...], message: str) -> None:
    assert_one_line(invoke(*command), 2, message)


def test_index_that_does_not_exist_is_an_error_of_one_line(tmp_path: Path) -> None:
    for command in (("add", "-", "--to", f"bm25:{tmp_path / 'none'}"), ("delete", "a", "--from", f"bm25:{tmp_path}")):
        assert_one_line(invoke(*command, stdin=lines({"id": "a", "text": "tea"})), 1, "build it with")


def test_path_without_a_scheme_is_a_new_embedded_index(tmp_path: Path) -> None:
    source = lines({"id": "a", "text": "tea"})
    assert invoke("index", "-", "--to", str(tmp_path / "new" / "ix"), stdin=source).code == 0
    assert found(tmp_path / "new" / "ix", "tea") == ["a"]
    for wrong in ("http//x", "localhost:9200/ix", "bm25:", " "):
        assert_one_line(invoke("index", "-", "--to", wrong, stdin=source), 2, "expected bm25:PATH")


def test_passages_of_an_embedded_index_are_searched_as_one_document(tmp_path: Path) -> None:
    text = "one two three four soup soup five six seven"
    target = f"bm25:{tmp_path / 'ix'}"
    source = lines({"id": "long", "text": text}, {"id": "short", "text": "soup bread tea cake"})
    done = invoke("index", "-", "--to", target, "--passage-words", "3", "--passage-overlap", "1", stdin=source)
    assert done.code == 0, done.err
    [ranking] = Bm25Retriever.open(tmp_path / "ix").retrieve([Query("q", "soup")], 10)
    assert [(hit.document.doc_id, hit.document.text) for hit in ranking.hits] == [
        ("long", "soup soup five"),
        ("short", "soup bread tea"),
    ]
    assert invoke("delete", "long", "--from", target).out.startswith(f"{target}: 1 deleted; 1 document, ")
    assert found(tmp_path / "ix", "soup five") == ["short"]


SHOP = "Artikelnr;Titel;Beschreibung;url\nA1;Hammer;Ein Hammer;http://a\nA2;Zange;Eine Zange;http://b\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.csv").write_text(SHOP)
    command = ("index", str(tmp_path / "shop.csv"), "--to", f"bm25:{tmp_path / 'shop'}", "--id-field", "Artikelnr")
    assert invoke(*command).code == 0
    return tmp_path / "shop"


@pytest.mark.parametrize("price", ["1,11 EUR", "1,11"])
def test_a_list_of_prices_does_not_replace_products(shop: Path, tmp_path: Path, price: str) -> None:
    (tmp_path / "prices.csv").write_text(f"Artikelnr;Preis\nA1;{price}\n")
    command = ("add", str(tmp_path / "prices.csv"), "--to", f"bm25:{shop}", "--id-field", "Artikelnr")
    refused = invoke(*command)
    assert refused.code == 1
    assert "no text: expected any of text" in refused.err
    assert "--text-field" in refused.err
    refused = invoke(*command, "--text-field", "Preis")
    assert refused.code == 1
    assert "none of the documents to add has a title, but the index has one for 'A1'" in refused.err
    assert "--replace-whole" in refused.err
    assert found(shop, "Hammer") == ["A1"]
    assert invoke(*command, "--text-field", "Preis", "--replace-whole").code == 0
    assert found(shop, "Hammer") == []


def test_a_text_without_a_letter_is_not_called_empty(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("id;Preis\nA1;1,11\n")
    refused = invoke("index", str(tmp_path / "prices.csv"), "--to", f"bm25:{tmp_path / 'ix'}")
    assert refused.code == 1
    assert "no column has a text (Preis): no letter is in it; name the text with --text-field" in refused.err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_delete_takes_the_ids_of_a_table(shop: Path, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "gone.csv").write_bytes("Artikelnr;Grund\nA1;ausverkauft\n".encode(encoding))
    done = invoke("delete", "--ids", str(tmp_path / "gone.csv"), "--from", f"bm25:{shop}")
    assert done.out.startswith(f"bm25:{shop}: 1 deleted; 1 document, ")
