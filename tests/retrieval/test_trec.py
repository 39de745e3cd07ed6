"""Runs and qrels: read as ir_measures reads them, written atomically."""

from __future__ import annotations

import gzip
import io
import math
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.retrieval.errors import CorpusError
from resift.retrieval.trec import read_qrels, read_run, write_qrels, write_run
from resift.retrieval.types import Document, Hit, Qrels, Query, Ranking, Run

IDS = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters='"'), min_size=1, max_size=4)
SCORES = st.floats(allow_nan=False, allow_infinity=False)
RUNS = st.dictionaries(IDS, st.dictionaries(IDS, SCORES, min_size=1, max_size=6), min_size=1, max_size=4)
QRELS = st.dictionaries(IDS, st.dictionaries(IDS, st.integers(-2, 9), min_size=1, max_size=6), min_size=1, max_size=4)


def rankings(run: Run) -> list[Ranking]:
    return [
        Ranking.of(Query(query_id, "text"), [Hit(Document(doc_id, "text"), score) for doc_id, score in scores.items()])
        for query_id, scores in run.items()
    ]


ONE = rankings({"one": {"d": 1.0}})


@given(RUNS)
@settings(deadline=None)
def test_written_run_reads_back_the_same_and_as_ir_measures_reads_it(run: Run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_run(f"{folder}/run.trec", rankings(run), "tag")
        theirs: Run = {}
        for entry in ir_measures.read_trec_run(f"{folder}/run.trec"):  # type: ignore[no-untyped-call]
            theirs.setdefault(entry.query_id, {})[entry.doc_id] = entry.score

        assert read_run(f"{folder}/run.trec") == run == theirs


@given(QRELS)
@settings(deadline=None)
def test_written_qrels_read_back_the_same_and_as_ir_measures_reads_them(qrels: Qrels) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_qrels(f"{folder}/qrels", qrels)
        theirs: Qrels = {}
        for entry in ir_measures.read_trec_qrels(f"{folder}/qrels"):  # type: ignore[no-untyped-call]
            theirs.setdefault(entry.query_id, {})[entry.doc_id] = entry.relevance

        assert read_qrels(f"{folder}/qrels") == qrels == theirs


@given(st.dictionaries(IDS, st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=8))
@settings(deadline=None, max_examples=50)
def test_written_order_is_that_of_trec_eval(scores: dict[str, float]) -> None:
    """The order of trec_eval is known from RR, which is 1 / rank for a run with one relevant document."""
    out = io.StringIO()
    write_run(out, rankings({"q": scores}), "tag")
    written = [line.split()[2] for line in out.getvalue().splitlines()]
    judged = {doc_id: {"q": {doc_id: 1}} for doc_id in scores}
    ranks = {d: round(1 / ir_measures.RR.calc_aggregate(qrels, {"q": scores})) for d, qrels in judged.items()}

    assert [ranks[doc_id] for doc_id in written] == list(range(1, len(scores) + 1))


def test_line_of_a_run_has_rank_and_tag_and_a_run_is_written_to_a_stream() -> None:
    out = io.StringIO()
    write_run(out, rankings({"q1": {"a": 0.1, "b": 2.0}, "q2": {}, "q3": {"c": -1e-9}}), "resift")

    assert out.getvalue() == "q1 Q0 b 1 2.0 resift\nq1 Q0 a 2 0.1 resift\nq3 Q0 c 1 -1e-09 resift\n"


def test_numbers_of_numpy_are_written_as_numbers() -> None:
    out = io.StringIO()
    write_run(out, rankings({"q": {"a": np.float32(0.1), "b": np.float64(0.05)}}), "t")  # type: ignore[dict-item]
    written = [line.split()[4] for line in out.getvalue().splitlines()]

    assert written == ["0.10000000149011612", "0.05"]
    assert np.float32(float(written[0])) == np.float32(0.1)


def test_rank_column_is_ignored_and_columns_are_separated_by_any_white_space(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("\ufeffq Q0\ta 1 1.5 t\r\n\n q  Q0 b 2 1e1 t \n")

    assert read_run(tmp_path / "run") == {"q": {"a": 1.5, "b": 10.0}}


def test_compressed_and_json_runs_are_read(tmp_path: Path) -> None:
    (tmp_path / "run.gz").write_bytes(gzip.compress(b"q Q0 a 1 1.5 t\n"))
    (tmp_path / "run.json").write_text('{"q":\n {"a": 1, "b": 0.5}}')
    (tmp_path / "run.json.gz").write_bytes(gzip.compress(b'{"q": {"a": 1.5}}'))

    assert read_run(tmp_path / "run.gz") == read_run(tmp_path / "run.json.gz") == {"q": {"a": 1.5}}
    assert read_run(tmp_path / "run.json") == {"q": {"a": 1.0, "b": 0.5}}


@pytest.mark.parametrize(
    "content",
    [
        "q 0 a 2\nq 0 b -1\n",
        "q\t0\ta\t2\nq\t0\tb\t-1\n",
        "query-id\tcorpus-id\tscore\nq\ta\t2\nq\tb\t-1\n",
        "q\ta\t2.0\nq\tb\t-1\r\n",
        "\ufeffquery-id corpus-id score\nq a 2\n\nq b -1\nq a 2",
    ],
)
def test_qrels_are_read_in_trecs_form_and_in_beirs(tmp_path: Path, content: str) -> None:
    (tmp_path / "qrels").write_text(content)

    assert read_qrels(tmp_path / "qrels") == {"q": {"a": 2, "b": -1}}


def test_ids_of_beir_qrels_may_hold_spaces_and_those_of_trec_qrels_may_not(tmp_path: Path) -> None:
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq 1\td 1\t1\n")

    assert read_qrels(tmp_path / "qrels.tsv") == {"q 1": {"d 1": 1}}
    with pytest.raises(CorpusError, match="the document id 'd 1'"):
        write_qrels(io.StringIO(), {"q": {"d 1": 1}})


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("run", b"q Q0 a 1 1.5\n", 1, "5 columns; expected 6: query_id Q0 doc_id rank score tag"),
        ("run", b"q Q0 a b 1 1.5 t\n", 1, "7 columns; expected 6"),
        ("run", b"\nq Q0 a 1 high t\n", 2, "the score 'high' is not a number"),
        ("run", b"q Q0 a 1 nan t\n", 1, "the score 'nan' is not finite; expected a finite number"),
        ("run", b"q Q0 a 1 -inf t\n", 1, "the score '-inf' is not finite"),
        ("run", b"q Q0 a 1 1e999 t\n", 1, "the score '1e999' is not finite"),
        ("run", b"q Q0 a 1 2 t\np Q0 a 1 2 t\nq Q0 a 2 1 t\n", 3, "query 'q' has document 'a' twice; expected it once"),
        ("run", b"q Q0 a 1 2 t\nq Q0 \xff 2 1 t\n", 2, "byte 6 of the line is not UTF-8"),
        ("run", b"", None, "contains no rankings"),
        ("run.gz", b"q Q0 a 1 2 t\n", None, "is not a complete gzip file (Not a gzipped file"),
        ("run.gz", gzip.compress(b"q Q0 a 1 2 t\n", mtime=0)[:-9], None, "complete gzip file (Compressed file ended"),
        ("run.gz", gzip.compress(b"x" * 9, mtime=0)[:10] + b"\xff" * 99, None, "is not a complete gzip file (Error -3"),
        ("run.json", b"[]", None, "is not a JSON run; expected {query_id: {doc_id: score}}"),
        ("run.json", b'{"q": [1]}', None, "is not a JSON run"),
        ("run.json", b'{"q": {"a": 1', None, "is not a JSON run"),
        ("run.json", b"[" * 100_000, None, "is not a JSON run"),
        ("run.json", b'{"q": {"a": ' + b"9" * 5000 + b"}}", None, "is not a JSON run"),
        ("run.json", b'{"q": {"a": NaN}}', None, "the score 'nan' is not finite"),
        ("run.json", b'{"q": {"a": null}}', None, "the score 'None' is not a number"),
        ("run.json", b"{}", None, "contains no rankings"),
    ],
)
def test_bad_run_is_refused_with_its_line(
    tmp_path: Path, name: str, content: bytes, line: int | None, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        read_run(tmp_path / name)

    assert (caught.value.path, caught.value.line) == (str(tmp_path / name), line)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"q 0 a b 1\n", 1, "5 columns; expected 3 (BEIR) or 4 (TREC): query_id 0 doc_id grade"),
        (b"q a\n", 1, "2 columns; expected 3"),
        (b"q 0 a 1\nq 0 b high\n", 2, "the grade 'high' is not a whole number"),
        (b"q 0 a 0.5\n", 1, "the grade '0.5' is not a whole number"),
        (b"q 0 a nan\n", 1, "the grade 'nan' is not a whole number"),
        (b"q 0 a 1e999\n", 1, "the grade '1e999' is not a whole number"),
        (b"query-id\tcorpus-id\tscore\nq\ta\thigh\n", 2, "the grade 'high' is not a whole number"),
        (b"q 0 a 1\nq 0 a 2\n", 2, "query 'q' has grades 1 and 2 for 'a'; expected one grade"),
        (b"query-id\tcorpus-id\tscore\n", None, "contains no judgements; expected TREC or BEIR qrels"),
        (b"", None, "contains no judgements"),
        (b"q 0 a \xff\n", 1, "byte 7 of the line is not UTF-8"),
    ],
)
def test_bad_qrels_are_refused_with_their_line(tmp_path: Path, content: bytes, line: int | None, message: str) -> None:
    (tmp_path / "qrels").write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        read_qrels(tmp_path / "qrels")

    assert (caught.value.path, caught.value.line) == (str(tmp_path / "qrels"), line)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["", "nope", "nope\0", "n" * 300])
def test_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    for reader in (read_run, read_qrels):
        with pytest.raises(CorpusError, match="is a folder|does not exist|null byte|name too long"):
            reader(tmp_path / name)


@pytest.mark.parametrize(
    ("run", "tag", "message"),
    [
        ({"q 1": {"d": 1.0}}, "t", "the query id 'q 1' has white space, which a TREC file does not allow"),
        ({"": {"d": 1.0}}, "t", "the query id '' is empty"),
        ({"q": {"d\u00a01": 1.0}}, "t", r"the document id 'd\xa01' has white space"),
        ({"q": {"d\n": 1.0}}, "t", r"the document id 'd\n' has white space"),
        ({"q": {"\ud800": 1.0}}, "t", r"the document id '\ud800' has a lone surrogate, which UTF-8 cannot encode"),
        ({"q": {"d": 1.0}}, "two words", "the tag 'two words' has white space"),
        ({"one": {"e": 1.0}}, "t", "the query id 'one' has two rankings; expected one per query"),
        ({"q": {"d": math.inf}}, "t", "a score is inf; expected a finite number in a TREC file"),
    ],
)
def test_run_that_the_format_does_not_allow_is_refused_and_the_old_file_stays(
    tmp_path: Path, run: Run, tag: str, message: str
) -> None:
    (tmp_path / "run").write_text("old")
    with pytest.raises(CorpusError) as caught:
        write_run(tmp_path / "run", [*ONE, *rankings(run)], tag)

    assert message in str(caught.value)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"run": "old"}


def test_failure_half_way_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    def broken() -> Iterator[Ranking]:
        yield from ONE
        raise KeyboardInterrupt

    (tmp_path / "run").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path / "run", broken(), "t")

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"run": "old"}


def test_process_killed_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    code = """if True:
        import os, signal, sys
        from resift.retrieval.trec import write_run
        from resift.retrieval.types import Document, Hit, Query, Ranking
        def killed():
            for number in range(9999):
                yield Ranking.of(Query(str(number), "x"), [Hit(Document("d", "x"), 1.0)])
            os.kill(os.getpid(), signal.SIGKILL)
        write_run(sys.argv[1], killed(), "t")
    """
    (tmp_path / "run").write_text("old")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")])

    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "run").read_text() == "old"


def test_new_file_has_the_default_permissions_and_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    write_run(tmp_path / "link", ONE, "t")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "run").read_text() == "one Q0 d 1 1.0 t\n"
    assert (tmp_path / "run").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_device_is_written_to_and_not_replaced() -> None:
    write_run("/dev/null", ONE, "t")
    code = "from resift.retrieval.trec import *; write_qrels('/dev/stdout', {'q': {'d': 1}})"
    written = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert written.stdout == "q 0 d 1\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope/run", "cannot be written: No such file or directory"),
        (".", "cannot be written: "),
        ("file/run", "cannot be written: Not a directory"),
        ("nul\0run", "has a NUL"),
        ("r" * 300, "cannot be written: File name too long"),
    ],
)
def test_path_that_cannot_be_written_gives_one_line(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(CorpusError) as caught:
        write_run(f"{tmp_path}/{name}", ONE, "t")

    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/proc/sys").is_dir(), reason="needs a folder that root may not write to: /proc/sys")
def test_path_without_permission_gives_one_line() -> None:
    with pytest.raises(CorpusError, match="^/proc/sys/run: cannot be written: "):
        write_run("/proc/sys/run", ONE, "t")
