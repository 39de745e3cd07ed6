"""Queries as JSON, tables and lines: read, or refused, and what was assumed is said."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from resift.indexer.corpora import QuerySettings, Reading, read_queries
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Query

RIGHT = [Query("1", "cats"), Query("2", "dogs")]
MADE = "the queries have no ids, so they are numbered from 1 in the order of the file"
NO_HEADER = "has no header row that is known, so its 2 columns were read as id, text; `query_columns` names others"
TEN_TRUE = ['"six inches', '"quoted"', 'a "foot"', "tab-less; comma, text", "query", "[help]", "# one", "é", "1", "<b>"]


def read(path: Path, content: str | bytes, **settings: str) -> tuple[list[Query], list[str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reading = Reading()
    queries = list(read_queries(path, QuerySettings(**settings), reading))
    return queries, [note.removeprefix(f"{path}: ") for note in reading.notes]


def test_every_row_of_a_tsv_without_header_and_quoting_is_a_query(tmp_path: Path) -> None:
    rows = "".join(f"{number}\t{text}\n" for number, text in enumerate(TEN_TRUE))

    assert read(tmp_path / "queries.tsv", rows) == (
        [Query(str(number), text) for number, text in enumerate(TEN_TRUE)],
        [NO_HEADER],
    )


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("q.txt", '["cats", "dogs"]', MADE),
        ("q.txt", '[\n  "cats",\n  "dogs"\n]\n', MADE),
        ("q.json", '[{"query": "cats"}, {"query": "dogs"}]', MADE),
        ("q.txt", '[{"id": 1, "text": "cats"},\n {"id": 2, "text": "dogs"}]', None),
        ("q.json", '{"queries": [{"qid": "1", "query": "cats"}, {"qid": "2", "query": "dogs"}]}', None),
        (
            "q.json",
            '{"1": "cats", "2": "dogs"}',
            "its 2 names were read as the ids of queries, and their values as the",
        ),
        ("q.json", '{\n "1": {"title": "cats"},\n "2": {"title": "dogs"}\n}', None),
        ("q.jsonl", '{"query": "cats"}\n\n{"query": "dogs"}\n', MADE),
        ("q.txt", '{"query_id": 1, "query": "cats", "id": 8}\n{"query_id": 2, "query": "dogs", "id": 9}\n', None),
        ("q.txt", "cats\n\ndogs\n", MADE),
        ("q.tsv", "cats\ndogs\n", "has no header row that is known, so its column was read as text"),
        ("q.txt", "1:cats\n2:dogs\n", "its lines were read as the number of a query, a colon and its text"),
        ("q.txt", "# comment\n1:2:cats\n2:1: dogs\n", "its lines were read as the number of a query, a colon and"),
        ("q.csv", "1,cats\n2,dogs\n", NO_HEADER),
        ("q.csv", "id;text\n1;cats\n2;dogs\n", None),
        ("q.csv", "query_id\tquery\tquery_class\n1\tcats\tx\n2\tdogs\ty\n", None),
        ("q.tsv", "query_id\tquery\tquery_class\n1\tcats\tx\n2\tdogs\ty\n", None),
        ("q.txt", "qid,query\n1,cats\n2,dogs\n", None),
        ("q.txt", "Query ID;Query\n1;cats\n2;dogs\n", None),
        ("q.csv", "query,class\ncats,x\ndogs,y\n", MADE),
        ("q.txt", "1\tcats\n2\tdogs\n1\tcats\n", NO_HEADER),  # the same query twice
        ("q.tsv", "number\tquestion\n1\tcats\n2\tdogs\n", None),
    ],
)
def test_queries_are_read_as_they_are_published(tmp_path: Path, name: str, content: str, note: str | None) -> None:
    queries, notes = read(tmp_path / name, content)

    assert queries == RIGHT
    assert len(notes) == (0 if note is None else 1 + ("column was" in note))
    assert note is None or note in notes[0]
    assert read(tmp_path / f"{name}.gz", gzip.compress(content.encode()))[0] == RIGHT


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("q.txt", "[help] my cat\n", 1, "read only from JSON, or after its id and a tab"),
        ("q.txt", "{help} my cat\ndogs\n", 1, "not JSON"),
        ("q.json", '[{"id": "1"}]', None, 'query 1: no "text" or "query" that is a text; found \'id\''),
        ("q.json", "[1, 2]", None, "query 1 is neither a text nor an object"),
        ("q.json", '{"query": {"0": "cats"}, "query_id": {"0": 7}}', 1, 'no "_id" or "id" that is a text'),
        ("q.json", '{"took": 3, "errors": false}', None, "is an object with 'took', 'errors'; expected an array"),
        (
            "q.json",
            '[{"number": 31, "title": "cats", "turn": [{"number": 1}]}]',
            None,
            "query 1: a conversation (it ha",
        ),
        ("q.json", '"cats"', None, "is neither an array nor an object"),
        ("q.jsonl", '{"id": "1", "text": "x"}\n{"text": "y"}\n', 2, "some queries have an id and some have none"),
        ("q.tsv", "1\tcats\tblack\n", 1, "the first row has none of the usual names of columns"),
        ("q.txt", "1\tcats\n2\tdogs\n1\tcows\n", 3, "the query id '1' was already used in line 1 for another text"),
    ],
)
def test_queries_that_could_only_be_guessed_are_refused(
    tmp_path: Path, name: str, content: str, line: int | None, message: str
) -> None:
    with pytest.raises(CorpusError) as caught:
        read(tmp_path / name, content)

    assert caught.value.line == line
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_lone_line_with_a_colon_and_an_id_in_brackets_are_kept(tmp_path: Path) -> None:
    assert read(tmp_path / "q.txt", "2001: a space odyssey\n")[0] == [Query("1", "2001: a space odyssey")]
    assert read(tmp_path / "q.tsv", "[1]\tcats\n<2>\tdogs\n")[0] == [Query("[1]", "cats"), Query("<2>", "dogs")]


def test_named_members_of_json_are_the_id_and_the_text(tmp_path: Path) -> None:
    content = json.dumps([{"key": 7, "text": "no", "short": "cats", "long": "and kittens"}])

    assert read(tmp_path / "q.json", content, query_id_field="key", query_field="short,long")[0] == [
        Query("7", "cats and kittens")
    ]


@pytest.mark.parametrize("content", ['["cats", "dogs"]', "id,text\n1,cats\n2,dogs\n", "1\tcats\n2\tdogs\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_form_of_standard_input_is_recognized(content: str, packed: bool) -> None:
    code = "from resift.indexer.corpora import read_queries; print([q.text for q in read_queries('-')])"
    raw = gzip.compress(content.encode()) if packed else content.encode()
    done = subprocess.run([sys.executable, "-c", code], input=raw, capture_output=True, check=True)

    assert done.stdout == b"['cats', 'dogs']\n"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("".join(f"{query} 0 D{query}7 {query % 4}\n" for query in range(300)), "judgements"),
        ("1\t0\td1\t1\n1\t0\td2\t-1\n", "judgements"),
        ("1 Q0 d1 1 2.5 bm25\n1 Q0 d2 2 2.25 bm25\n", "a run"),
    ],
)
@pytest.mark.parametrize("name", ["qrels.txt", "qrels.tsv"])
def test_judgements_and_runs_are_not_read_as_queries(tmp_path: Path, name: str, content: str, what: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read(tmp_path / name, content)

    assert f"{name}: has {what} in the form of TREC ('" in str(caught.value)
    assert str(caught.value).endswith("'), not queries; expected ids and texts")


def test_queries_of_which_some_have_the_form_of_judgements_are_read(tmp_path: Path) -> None:
    content = "windows 0 day 7\nis 0 an even number\n"

    assert [query.text for query in read(tmp_path / "q.txt", content)[0]] == content.splitlines()


@pytest.mark.parametrize(
    ("content", "root"),
    [
        ("<topics>\n<topic number='1'><query>x</query></topic>\n", "topics"),
        ("<?xml version='1.0'?>\n<set a='b'><top><num>1</num><title>x</title></top>", "set"),
        ("<QUERIES><query><qid>1</qid><title>x</title></query>", "queries"),
    ],
)
def test_topics_whose_root_is_not_closed_are_not_complete(tmp_path: Path, content: str, root: str) -> None:
    with pytest.raises(CorpusError, match=f"has <{root}> without </{root}>; is the file complete"):
        read(tmp_path / "topics.xml", content)

    assert read(tmp_path / "topics.xml", f"{content}</{root}>")[0] == [Query("1", "x")]
