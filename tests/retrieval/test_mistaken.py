"""Files that fit the form of another kind by chance: a run or judgements without grades, given as judgements."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.retrieval.errors import CorpusError
from resift.retrieval.trec import read_qrels, read_run

RUN = "".join(f"{query}\t{7000000 + 10 * rank}\t{rank}\n" for query in (1048585, 2) for rank in range(1, 11))


def refusal(path: Path, content: str) -> str:
    path.write_text(content)
    with pytest.raises(CorpusError) as caught:
        read_qrels(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        RUN,
        "".join(reversed(RUN.splitlines(keepends=True))),
        RUN + "".join(f"3\t{document}\t{document}\n" for document in range(1, 3)),
        RUN.replace("\t", " "),
        "".join(f"1 Q0 d{rank} {rank}\n" for rank in range(1, 9)),  # the first four columns of TREC's form
    ],
)
def test_run_whose_ranks_would_be_grades_is_refused_as_judgements(tmp_path: Path, content: str) -> None:
    message = refusal(tmp_path / "run.tsv", content)

    assert "looks like a run: the grades of each query are the ranks 1, 2, 3 and so on" in message


def test_msmarco_run_stays_a_run(tmp_path: Path) -> None:
    (tmp_path / "run.tsv").write_text(RUN)

    assert read_run(tmp_path / "run.tsv")["2"]["7000010"] == -1


@pytest.mark.parametrize(
    "content",
    [
        "q1\td1\t1\nq2\td2\t1\n",
        "q1\td1\t1\nq1\td2\t2\nq1\td3\t3\nq2\td1\t1\n",  # three grades may be 1, 2, 3
        "q1\td1\t5\nq1\td2\t4\nq1\td3\t3\nq1\td4\t2\nq1\td5\t1\n",  # sorted by the grade
        RUN + "".join(f"4\t{document}\t1\n" for document in range(5)),  # one query of three has other grades
        "query-id\tcorpus-id\tscore\n" + RUN,  # a header row says that these are grades
        "q1\t0\t1\nq2\t0\t1\n",  # the first document of a list is the only relevant one
        "q1\t0\t1\nq1\t1\t0\n",
    ],
)
def test_judgements_that_are_like_ranks_in_part_are_read(tmp_path: Path, content: str) -> None:
    (tmp_path / "qrels.tsv").write_text(content)
    rows = [line.split("\t") for line in content.splitlines() if not line.startswith("query-id")]

    qrels = read_qrels(tmp_path / "qrels.tsv")

    assert [[query, doc, str(grade)] for query, docs in qrels.items() for doc, grade in docs.items()] == rows


@pytest.mark.parametrize(
    "content",
    [
        "".join(f"{query}\t0\t{query + 7000000}\n" for query in range(20)),
        "1048585\t0\t7187158\n",
        "1 0 MED-10\n1 0 MED-14\n",
        "".join(f"{query} Q0 1\n" for query in range(20)),
    ],
)
def test_judgements_whose_grades_were_cut_off_are_refused(tmp_path: Path, content: str) -> None:
    message = refusal(tmp_path / "qrels.txt", content)

    assert message.endswith(
        "qrels.txt, line 1: the columns are query_id 0 doc_id, without the grade of TREC's judgements; "
        "expected 3 (BEIR) or 4 (TREC): query_id 0 doc_id grade"
    )
