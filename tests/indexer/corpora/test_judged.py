"""Queries, judged folders, and collections from ir_datasets."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import ir_datasets
import pytest

from resift.indexer.corpora import QuerySettings, read_collection, read_documents, read_queries
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document, Query

TOPICS = """
<top>
<num> Number: 301
<title> International
Organized Crime

<desc> Description:
</top>
<top><num>302</num><title>Polio</title></top>
"""


def assert_line(error: CorpusError, path: Path | str, line: int | None, message: str) -> None:
    assert (error.path, error.line) == (str(path), line)
    assert message in str(error)
    assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("q.jsonl", '{"_id": "1", "text": " cats "}\n\n{"id": 2, "query": "dogs"}\n'),
        ("q.jsonl.gz", '{"qid": "1", "text": "cats"}\n{"query_id": 2, "title": "dogs"}'),
        ("q.tsv", "1\tcats\n2\tdogs\n"),
        ("q.tsv", "\ufeffquery_id\ttext\n1\tcats\n2\tdogs\n"),
        ("q.txt", "cats\r\ndogs\r\n"),
        ("q.csv", "id,text\n1,cats\n2,dogs\n"),
        ("q.csv.gz", '\ufeffQuery,Kind,QID\r\n"cats",x,1\r\n dogs,"y, z",2\r\n'),
        ("q.CSV", "query-id,query\n1,cats\n\n2,dogs"),
        ("topics", "<top><num>1</num><title>cats</title></top><top><num>2<title>dogs</top>"),
    ],
)
def test_queries_are_read_in_every_form(tmp_path: Path, name: str, content: str) -> None:
    raw = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)

    assert list(read_queries(tmp_path / name)) == [Query("1", "cats"), Query("2", "dogs")]


def test_a_query_in_csv_may_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text('id,text\n1,"cats, ""big"" ones\nand small"\n2,dogs\n')

    assert list(read_queries(tmp_path / "q.csv")) == [Query("1", 'cats, "big" ones\nand small'), Query("2", "dogs")]


def test_columns_of_csv_queries_are_those_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("id,text,Key,Question\n1,no,7,cats\n")

    settings = QuerySettings(query_id_field="key", query_field="Question")
    assert list(read_queries(tmp_path / "q.csv", settings)) == [Query("7", "cats")]


def test_topics_of_several_lines_become_one_line_each(tmp_path: Path) -> None:
    (tmp_path / "topics.txt").write_text(TOPICS)

    assert list(read_queries(tmp_path / "topics.txt")) == [
        Query("301", "International Organized Crime"),
        Query("302", "Polio"),
    ]


def test_all_queries_on_standard_input_are_read() -> None:
    code = "from resift.indexer.corpora import read_queries; print([q.text for q in read_queries('-')])"
    done = subprocess.run(
        [sys.executable, "-c", code], input="cats\ndogs\n", capture_output=True, text=True, check=True
    )

    assert done.stdout == "['cats', 'dogs']\n"


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("q.jsonl", b'{"_id": "1", "text": "x"}\n{"_id": "1", "text": "y"}', 2, "'1' was already used in line 1"),
        ("q.jsonl", b'{"_id": "1"}', 1, 'no "text" or "query" that is a text'),
        ("q.jsonl", b'{"_id": true, "text": "x"}', 1, 'no "_id" or "id" that is a text or a whole number'),
        ("q.jsonl", b'{"_id": 1.5, "text": "x"}', 1, 'no "_id"'),
        ("q.jsonl", b'{"_id": "1", "text": ["x"]}', 1, 'no "text"'),
        ("q.jsonl", b'{"_id": " ", "text": "x"}', 1, "the query id or text is empty"),
        ("q.jsonl", b'{"_id": "1", "text": " "}', 1, "the query id or text is empty"),
        ("q.jsonl", b"[1]", None, "query 1 is neither a text nor an object; expected an array, or an object per line"),
        ("q.jsonl", b"\n\xff", 2, "byte 1 of the line (0xff) is not utf-8; it is 'ÿ' in cp1252; save it as UTF-8"),
        ("q.tsv", b"1\tx\n2 y\n", 2, "1 column; expected 2 as in the first row"),
        ("q.tsv", b"1\tx\n2\t\n", 2, "is empty; expected both"),
        ("q.tsv", b"query_id\ttext\n", None, "contains no queries"),
        ("q.txt", b"", None, "contains no queries; expected at least one"),
        ("q.txt", b"a\0b\n", 1, "contains NUL bytes, as UTF-16 does; save it as UTF-8"),
        ("q.csv", b"id,text\n1,cats\n2,dogs, too\n", 3, "3 columns; expected 2 as in the header row"),
        (
            "q.csv",
            b"id,text\n1,\xff\n",
            2,
            "byte 3 of the line (0xff) is not utf-8; it is 'ÿ' in cp1252; save it as UTF-8",
        ),
        ("q.csv", b"id,text\n1,cats\n1,dogs\n", 3, "'1' was already used in line 2"),
        ("q.csv", b"id,text\n1, \n", 2, "is empty; expected both"),
        ("q.csv", b"key,text\n1,\n", 2, "is empty; expected both"),
        ("q.csv", b"what do cats eat\n", 1, "the first row has none of the usual names of columns"),
        ("topics", b"\n<top>\n<num> 1\n\n</top>\n", 2, "the topic has <num> but none of <query>, <title>"),
        ("topics", b"<top>\n<num> 1 <title> x\n", 1, "the topic has no </top>; is the file complete?"),
    ],
)
def test_bad_queries_are_refused_with_their_line(
    tmp_path: Path, name: str, content: bytes, line: int | None, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        list(read_queries(tmp_path / name))

    assert_line(caught.value, tmp_path / name, line, message)


def test_missing_queries_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist; expected a file"):
        list(read_queries(tmp_path / "nope.tsv"))
    with pytest.raises(CorpusError, match="is a folder; expected a file"):
        list(read_queries(tmp_path))


def collection(folder: Path, **splits: str) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "T", "text": "text"}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "one"}\n{"_id": "q2", "text": "two"}\n')
    for split, query_id in splits.items():
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{query_id}\td\t1\n")
    return folder


def test_collection_has_its_judged_queries_and_reads_its_corpus_again(tmp_path: Path) -> None:
    found = read_collection(collection(tmp_path / "mine", test="q2", dev="q1", train="q1"))

    assert (found.name, found.split, found.first_stage) == ("mine", "test", None)
    assert (found.queries, found.qrels) == ([Query("q2", "two")], {"q2": {"d": 1}})
    assert list(found.documents()) == list(found.documents()) == [Document("d", "text", "T")]


def test_dev_is_the_default_without_test_and_any_split_can_be_named(tmp_path: Path) -> None:
    folder = collection(tmp_path, dev="q1", train="q2")
    (folder / "qrels" / "all.trec").write_text("q1 0 d 2\nq2 0 d 0\n")

    assert read_collection(folder).split == "dev"
    assert read_collection(folder, "train").qrels == {"q2": {"d": 1}}
    assert read_collection(folder, "all").qrels == {"q1": {"d": 2}, "q2": {"d": 0}}


def test_unknown_split_is_refused_with_the_existing_ones(tmp_path: Path) -> None:
    collection(tmp_path, dev="q1", train="q2")
    with pytest.raises(CorpusError) as caught:
        read_collection(tmp_path, "nope")

    assert_line(
        caught.value, tmp_path, None, "has no judgements qrels/nope.tsv; it has dev, train; name one as `split`"
    )


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("corpus.jsonl", "has no corpus.jsonl or corpus.jsonl.gz; expected a BEIR folder"),
        ("queries.jsonl", "has no queries.jsonl or queries.jsonl.gz; expected a BEIR folder"),
        ("qrels/test.tsv", "has no judgements qrels/test.tsv or qrels/dev.tsv; it has no judgements at all"),
    ],
)
def test_collection_that_lacks_a_file_is_refused(tmp_path: Path, lost: str, message: str) -> None:
    (collection(tmp_path, test="q1") / lost).unlink()
    (tmp_path / "README.md").write_text("# not a corpus")
    with pytest.raises(CorpusError) as caught:
        read_collection(tmp_path)

    assert_line(caught.value, tmp_path, None, message)


def test_collection_whose_queries_are_not_judged_is_refused(tmp_path: Path) -> None:
    collection(tmp_path, test="other")
    with pytest.raises(CorpusError) as caught:
        read_collection(tmp_path)

    assert_line(
        caught.value, tmp_path / "qrels" / "test.tsv", None, "has no judgements for the queries in queries.jsonl"
    )


def test_path_that_is_not_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is not a folder; expected a BEIR folder"):
        read_collection(tmp_path / "nope")


def test_ir_dataset_that_was_registered_is_read(tmp_path: Path) -> None:
    (tmp_path / "docs.tsv").write_text("d1\tthe cat sat\nd2\ta dog ran\n")
    dataset = ir_datasets.create_dataset(docs_tsv=str(tmp_path / "docs.tsv"))
    ir_datasets.registry.register(f"resift-{tmp_path.name}", dataset)  # its registry is public

    assert list(read_documents(f"ir_datasets:resift-{tmp_path.name}")) == [
        Document("d1", "the cat sat", fields={"doc_id": "d1"}),
        Document("d2", "a dog ran", fields={"doc_id": "d2"}),
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no/such/set", "ir_datasets has no data set 'no/such/set'"),
        ("trec-robust04/fold1/nope", "ir_datasets has no data set"),
    ],
)
def test_unknown_ir_dataset_is_refused(name: str, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        list(read_documents(f"ir_datasets:{name}"))

    assert_line(caught.value, f"ir_datasets:{name}", None, message)


def test_ir_dataset_without_documents_or_with_a_lost_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("1\tx\n")
    for name, dataset, message in (
        ("queries", ir_datasets.create_dataset(queries_tsv=str(tmp_path / "q.tsv")), "does not contain documents"),
        ("lost", ir_datasets.create_dataset(docs_tsv=str(tmp_path / "lost.tsv")), "ir_datasets cannot read "),
    ):
        ir_datasets.registry.register(f"resift-{name}-{tmp_path.name}", dataset)
        with pytest.raises(CorpusError, match=message):
            list(read_documents(f"ir_datasets:resift-{name}-{tmp_path.name}"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("test.jsonl", '{"query-id": "q1", "corpus-id": "d", "score": 1}\n'),
        ("test.csv", "query-id,corpus-id,score\nq1,d,1\n"),
        ("test.tsv.gz", "query-id\tcorpus-id\tscore\nq1\td\t1\n"),
        ("test.txt", "q1 0 d 1\n"),
    ],
)
def test_judgements_of_a_folder_may_have_the_form_of_other_publishers(tmp_path: Path, name: str, content: str) -> None:
    collection(tmp_path)
    raw = content.encode()
    (tmp_path / "qrels" / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)

    found = read_collection(tmp_path)
    assert (found.split, found.qrels) == ("test", {"q1": {"d": 1}})
