"""Values in run and qrels files that only Python accepts are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.retrieval.errors import CorpusError
from resift.retrieval.trec import read_qrels, read_run


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 Q0 b 2 1,5 x", "the score '1,5' is not a number"),
        ("1 Q0 b 2 1_000 x", "the score '1_000' is not a number"),
        ("1 Q0 b 2 \u0661 x", "the score '\u0661' is not a number"),
        ("1 Q0 b\0 2 1.0 x", "contains NUL bytes, as UTF-16 does; save it as UTF-8"),
    ],
)
def test_line_of_a_run_that_only_python_would_read_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "run").write_text(f"1 Q0 a 1 2.0 x\n\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        read_run(tmp_path / "run")
    assert (caught.value.path, caught.value.line) == (str(tmp_path / "run"), 3)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"1": {"a": 1, "a": 2}}', "has 'a' twice in one object; expected each query and document once"),
        ('{"1": {"a": 1}, "1": {"b": 2}}', "has '1' twice in one object"),
        ('{"1": {"a": true}}', "the score 'True' is not a number"),
    ],
)
def test_json_run_with_duplicate_keys_or_wrong_values_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(CorpusError) as caught:
        read_run(tmp_path / "run.json")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\tb\t", "the grade '' is not a whole number"),
        ("1\tb\t1_0", "the grade '1_0' is not a whole number"),
        ("1\tb\t1e300", "the grade '1e300' is out of range (at most 2147483647); is it a score?"),
        ("1\t\t1", "the query id or the document id is empty; expected both"),
        ("\tb\t1", "the query id or the document id is empty"),
    ],
)
def test_judgement_without_an_id_or_a_grade_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n1\ta\t1\n{line}\n")
    with pytest.raises(CorpusError) as caught:
        read_qrels(tmp_path / "qrels.tsv")
    assert (caught.value.path, caught.value.line) == (str(tmp_path / "qrels.tsv"), 3)
    assert message in str(caught.value)


@pytest.mark.parametrize("grade", ["0.5", "nan", "-inf", "1_0"])
def test_bad_grade_in_the_first_line_is_not_read_as_a_header(tmp_path: Path, grade: str) -> None:
    (tmp_path / "qrels.tsv").write_text(f"1\ta\t{grade}\n1\tb\t1\n")
    with pytest.raises(CorpusError, match=f"qrels.tsv, line 1: the grade '{grade}' is not a whole number"):
        read_qrels(tmp_path / "qrels.tsv")
