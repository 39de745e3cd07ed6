"""Runs and qrels in the forms in which they are published: separators, quotes, header rows, JSON, compression."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resift.retrieval.errors import CorpusError
from resift.retrieval.trec import read_qrels, read_run, write_qrels, write_run
from resift.retrieval.types import Document, Hit, Qrels, Query, Ranking, Run, from_run

HEAT = '"Heat"_(album)'


def qrels_of(tmp_path: Path, content: str | bytes, name: str = "qrels") -> Qrels:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_qrels(tmp_path / name)


def qrels_problem(tmp_path: Path, content: str) -> tuple[int | None, str]:
    with pytest.raises(CorpusError) as caught:
        qrels_of(tmp_path, content)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value.line, str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "q1 0\td1\t1\nq1 0\td2\t-2\n",  # TREC, a blank and then tabs
        "q1\t0 d1\t1\nq1   0\t d2   -2  \n",
        "q1\td1\t1\nq1 d2 -2\n",  # BEIR without its header row, tabs and blanks
        "q1\t0\td1\t1\r\n\r\nq1\t0\td2\t-2\r\n",
        "\ufeffq1,d1,1\nq1,d2,-2\n",
        "q1, d1, 1\nq1, d2, -2\n",
        "q1,0,d1,1.0\nq1,0,d2,-2.0\n",
        "query-id,corpus-id,score\nq1,d1,1\nq1,d2,-2\n",
        "Query;Document;Grade\nq1;d1;1\nq1;d2;-2\n",
        ",qid,docno,label\n0,q1,d1,1\n1,q1,d2,-2\n",  # a data frame of PyTerrier with its index
        "query_id\titeration\tdoc_id\trelevance\nq1\t0\td1\t1\nq1\t0\td2\t-2\n",
        "query_id\tdoc_id\trelevance\titeration\nq1\td1\t1\t0\nq1\td2\t-2\t0\n",
        "TOPIC ITERATION DOCUMENT# RELEVANCY\nq1 0 d1 1\nq1 0 d2 -2\n",
        "# judged in 2019\n#\nq1 0 d1 1\n# again 0 1\nq1 0 d2 -2\n",
        "q1 0 d1 1\nq1 0 d2 -2\nq1 0 d1 1\n",  # the same judgement twice
        '"q1" "0" "d1" "1"\n"q1" "0" "d2" "-2"\n',
        '{"q1": {"d1": 1, "d2": -2}}',
        '{"q1":\n {"d1": "1", "d2": -2.0}\n}\n',
        '{"query-id": "q1", "corpus-id": "d1", "score": 1}\n{"query-id": "q1", "corpus-id": "d2", "score": -2}\n',
        '[{"query_id": "q1", "doc_id": "d1", "relevance": 1},\n {"query_id": "q1", "doc_id": "d2", "relevance": -2}]',
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_published_forms_of_qrels_are_read(tmp_path: Path, content: str, packed: bool) -> None:
    raw = gzip.compress(content.encode()) if packed else content.encode()

    assert qrels_of(tmp_path, raw) == {"q1": {"d1": 1, "d2": -2}}


@pytest.mark.parametrize(
    ("content", "right"),
    [
        ('query-id\tcorpus-id\tscore\nq1\t"""Heat""_(album)"\t1\nq1\tPlain\t0\n', {HEAT: 1, "Plain": 0}),
        ('q1\t"""Heat""_(album)"\t1\n', {HEAT: 1}),
        ('q1,"Heat, the film",1\n', {"Heat, the film": 1}),
        (f"q1 0 {HEAT} 1\n", {HEAT: 1}),  # TREC's own files have no quoting
        ('q1 0 "Heat" 1\nq1 0 Cold 0\n', {'"Heat"': 1, "Cold": 0}),
        ('q1 0 6" 1\nq1 0 "in 0\n', {'6"': 1, '"in': 0}),
        ("q1 0 IPCC_report,_1992 1\nq1 0 a,b, 0\n", {"IPCC_report,_1992": 1, "a,b,": 0}),
        ("q1\t0\tmsmarco_v2.1_doc_0#1_2\t1\n", {"msmarco_v2.1_doc_0#1_2": 1}),
        ("q1\td 1\t1\nq1\td2\t0\n", {"d 1": 1, "d2": 0}),
        ("q1\tQ0\t<dbpedia:Heat_(album)>\t1\n", {"<dbpedia:Heat_(album)>": 1}),
    ],
)
def test_quotes_commas_and_blanks_in_ids_are_those_of_the_document(
    tmp_path: Path, content: str, right: dict[str, int]
) -> None:
    assert qrels_of(tmp_path, content) == {"q1": right}


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("q1\td1\thigh\nq1\td2\t1\n", 1, "the grade 'high' is not a whole number; a header row has names such as"),
        ("Frage\tDokument\tNote\nq1\td2\t1\n", 1, "the grade 'Note' is not a whole number"),
        ("q1,d1,1\nq1,d2,yes\n", 2, "the grade 'yes' is not a whole number"),
        ("q1 0 d1 2.5\n", 1, "the grade '2.5' is not a whole number"),
        ("q1,d1,1\nq1;d2;1\n", 2, "1 column; expected 3 as in line 1"),
        ("q1 0 d1 1\nq1 d2 1\n", 2, "3 columns; expected 4 as in line 1"),
        ("1\twhat do cats\n2\thow do dogs and cats live\n", 2, "2 columns; expected 3 (BEIR) or 4 (TREC)"),
        ("q1 d1\nq1 0 d1 1\nq1 0 d2 1\n", 1, "2 columns; expected 3 (BEIR) or 4 (TREC)"),
        ('q1,"d1,1\nq1,d2,1\n', 1, "0 columns; expected 3 (BEIR) or 4 (TREC)"),
        ("q1\td1\n", 1, "2 columns; expected 3 (BEIR) or 4 (TREC)"),
        ("query_id,doc_id,relevance\nq1,d1\n", 2, "2 columns; expected 3 as in the header row"),
        ("#q1 0 d1 one\n", 1, "the grade 'one' is not a whole number"),
        ("q1,d1,1\n\nq1,d1,2\n", 3, "query 'q1' has grades 1 and 2 for 'd1'; expected one grade"),
        ("q1\td1\t1\t0\nq1\td2\t2\t0\n", 1, "the columns look like query, document, grade, iteration"),
        ("4 qid:1 # 7555\n3 qid:1 # 1370\n", 1, "the second column is qid:…, as in files of learning to rank"),
        ("<html><body>404</body></html>\n", 1, "1 column; expected 3 (BEIR) or 4 (TREC)"),
        ('{"q1": {"d1": 1}\n', None, "is not JSON qrels; expected {query_id: {doc_id: grade}}"),
        ('{"q1": {"d1": true}}\n', None, "the grade 'True' is not a whole number"),
        ('{"query-id": "q", "corpus-id": "d", "score": 1}\n{"query-id": "q"}\n', 2, "is not JSON qrels"),
        ('{"query-id": "q", "corpus-id": null, "score": 1}\n', 1, "the id None is neither a text nor a whole number"),
    ],
)
def test_qrels_that_cannot_be_read_are_an_error_and_never_a_grade(
    tmp_path: Path, content: str, line: int | None, message: str
) -> None:
    found, text = qrels_problem(tmp_path, content)

    assert found == line
    assert message in text


AWKWARD = st.text(st.sampled_from('"ab,;#0 _'), min_size=1, max_size=5).filter(lambda name: name == name.strip())


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@given(ids=st.lists(st.tuples(AWKWARD, AWKWARD), min_size=1, max_size=4, unique=True))
@settings(deadline=None, max_examples=40)
def test_what_pythons_csv_writes_below_a_header_row_is_read_back(
    delimiter: str, quoting: int, ids: list[tuple[str, str]]
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["query-id", "corpus-id", "score"])
    writer.writerows([query_id, doc_id, 1] for query_id, doc_id in ids)
    right: Qrels = {}
    for query_id, doc_id in ids:
        right.setdefault(query_id, {})[doc_id] = 1
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "qrels.tsv").write_text(out.getvalue(), encoding="utf-8")

        assert read_qrels(f"{folder}/qrels.tsv") == right


QUOTES = st.text(st.sampled_from('"#a,0{'), min_size=1, max_size=5)


@given(ids=st.lists(st.tuples(QUOTES, QUOTES), min_size=1, max_size=4, unique=True))
@example(ids=[('"a"', '"b"')])
@example(ids=[('"a', 'b"')])
@example(ids=[("#", '"""a"')])
@settings(deadline=None)
def test_ids_with_quotes_are_written_so_that_they_are_read_again(ids: list[tuple[str, str]]) -> None:
    qrels: Qrels = {}
    for query_id, doc_id in ids:
        qrels.setdefault(query_id, {})[doc_id] = 2
    rankings = [
        Ranking.of(Query(query_id, "text"), [Hit(Document(doc_id, "text"), 2.0) for doc_id in judged])
        for query_id, judged in qrels.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        write_qrels(f"{folder}/qrels", qrels)
        write_run(f"{folder}/run", rankings, "tag")

        assert read_qrels(f"{folder}/qrels") == qrels == read_run(f"{folder}/run")


def test_an_id_with_quotes_of_its_own_is_written_as_it_is() -> None:
    out = io.StringIO()
    write_qrels(out, {"q1": {HEAT: 1, '"Heat"': 1}})

    assert out.getvalue() == f'q1 0 {HEAT} 1\nq1 0 "Heat" 1\n'


@pytest.mark.parametrize(
    ("content", "right"),
    [
        ('q1 Q0 """Heat""_(album)" 1 2.5 run\n', {HEAT: 2.5}),  # a data frame written with separator blank
        ("q1\tQ0\td 1\t1\t2.5\tmy run\n", {"d 1": 2.5}),
        ("qid,docid,docno,rank,score,query\nq1,17,d1,0,2.5,what is\n", {"d1": 2.5}),
        ("# a run\nq1 Q0 d1 1 2.5 run\n", {"d1": 2.5}),
        ("q1\td1\t1\nq1\td2\t2\n", {"d1": -1.0, "d2": -2.0}),  # MS MARCO: query, passage, rank
        ('{"q1":\n  {"d1": 2.5}}', {"d1": 2.5}),
        ("q1,Q0,d1,1,2.5,run\n", {"d1": 2.5}),
    ],
)
def test_published_forms_of_runs_are_read(tmp_path: Path, content: str, right: dict[str, float]) -> None:
    (tmp_path / "run").write_text(content)
    (tmp_path / "packed").write_bytes(gzip.compress(content.encode()))

    assert read_run(tmp_path / "run") == read_run(tmp_path / "packed") == {"q1": right}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("q1\td1\t1\nq1\td2\t3\n", "3 columns, whose third is not the ranks 1 to 2 for query 'q1'"),
        ("q1 d1 17.5\nq1 d2 3.5\n", "3 columns, whose third is not the ranks 1 to 2 for query 'q1'"),
        ("q1\tQ0\t\t1\t2.5\trun\n", "the query id or the document id is empty; expected both"),
    ],
)
def test_run_that_could_be_read_in_two_ways_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "run").write_text(content)
    with pytest.raises(CorpusError, match=message):
        read_run(tmp_path / "run")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("reader", "content"), [("read_qrels", "q 0 d 1\n"), ("read_run", "q Q0 d 1 1.0 t\n")])
def test_standard_input_is_read(reader: str, content: str, packed: bool) -> None:
    code = f"from resift.retrieval.trec import {reader} as read; print(read('-') == {{'q': {{'d': 1}}}})"
    raw = gzip.compress(content.encode()) if packed else content.encode()

    assert subprocess.run([sys.executable, "-c", code], input=raw, capture_output=True, check=True).stdout == b"True\n"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_run_in_a_json_file_may_have_any_ids_and_reads_back_equal(tmp_path: Path, count: int) -> None:
    run: Run = {f"q {n}": {"my note.md": 0.1 + n, 'a"\u2028\ud83d': -2.5e-7} for n in range(count)}
    write_run(tmp_path / "run.json", from_run(run), "resift")
    if count:
        assert read_run(tmp_path / "run.json") == run
    else:
        assert json.loads((tmp_path / "run.json").read_text()) == {}
    with pytest.raises(CorpusError, match="has white space.*JSON, in a file whose name ends in .json"):
        write_run(tmp_path / "run.trec", from_run({"q": {"my note.md": 1.0}}), "resift")


def test_judgements_of_a_german_spreadsheet_are_read_in_their_encoding(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_bytes("sep=;\nSuchbegriff;Artikelnr;Bewertung\nTür;A1;2,0\n".encode("cp1252"))
    assert read_qrels(path, "cp1252") == {"Tür": {"A1": 2}}
    with pytest.raises(CorpusError, match="line 3: .* it is 'ü' in cp1252; .*`query_encoding`"):
        read_qrels(path)
    path.write_bytes("Suchbegriff;Artikelnr;Bewertung\nTür;A1;2\n".encode("utf-16"))
    assert read_qrels(path) == {"Tür": {"A1": 2}}
