"""Recognize a run or judgements that are given in place of another file, whose form they fit by chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from resift.retrieval.types import Qrels

_ITERATIONS = ("0", "q0")  # the second column of TREC's files
_LONGEST_SCALE = 5  # grades that a judge may have given once each, in any order
_LONG = 3  # a query with more ranks than this is not one whose few grades happen to be 1, 2, 3
_NEARLY_ALL = 0.95
_SURE = 10  # rows with 0 as the document, which is then not an id by chance


def is_ranked(qrels: Qrels) -> bool:
    """Return whether the grades are ranks: 1, 2, 3 and so on for nearly all queries, and for one of more than three.

    >>> is_ranked({"q1": {"a": 1, "b": 2, "c": 3, "d": 4}, "q2": {"a": 1}}), is_ranked({"q1": {"a": 1}})
    (True, False)
    """
    lengths = [len(judged) for judged in qrels.values() if _are_ranks(list(judged.values()))]
    return max(lengths, default=0) > _LONG and len(lengths) >= _NEARLY_ALL * len(qrels)


def _are_ranks(grades: list[int]) -> bool:
    ranks = list(range(1, len(grades) + 1))
    return grades == ranks or (len(grades) > _LONGEST_SCALE and sorted(grades) == ranks)


def lacks_grades(rows: Sequence[tuple[str, str]]) -> bool:
    """Return whether the document and the grade of each row are TREC's iteration and document, whose grade is cut off.

    >>> lacks_grades([("0", "7187158"), ("0", "7187160")]), lacks_grades([("0", "1"), ("d2", "0")])
    (True, False)
    """
    if not rows or any(document.lower() not in _ITERATIONS for document, _ in rows):
        return False
    return len(rows) >= _SURE or any(not _is_grade(grade) for _, grade in rows)


def _is_grade(text: str) -> bool:
    return text in map(str, range(-2, _LONGEST_SCALE + 1))


def trec_file(texts: Iterable[str]) -> str:
    """Return what the lines are if all are TREC's: "judgements" (four columns) or "a run" (six); "" if they are not.

    >>> trec_file(["1 0 d1 1", "1 0 d2 0"]), trec_file(["1 Q0 d1 1 2.5 bm25"] * 2), trec_file(["cats 0 dogs 3"])
    ('judgements', 'a run', '')
    """
    rows = [text.split() for text in texts]
    if len(rows) < 2 or any(len(row) not in (4, 6) or row[1].lower() not in _ITERATIONS for row in rows):
        return ""
    if any(len(row) != len(rows[0]) or not _is_integer(row[3]) for row in rows):
        return ""
    return "judgements" if len(rows[0]) == 4 else "a run"


def _is_integer(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit()
