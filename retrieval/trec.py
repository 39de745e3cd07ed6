"""Read runs and qrels in the forms of TREC, BEIR, MS MARCO and JSON; write runs of TREC and JSON, and TREC's qrels."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from resift.retrieval.atomic_file import write_file
from resift.retrieval.columns import Row, Shape, join, read_columns, to_number
from resift.retrieval.errors import CorpusError
from resift.retrieval.json_columns import is_json, read_json
from resift.retrieval.mistaken import is_ranked, lacks_grades
from resift.retrieval.text_lines import read_lines
from resift.retrieval.types import Qrels, Ranking, Run

_RUN = Shape(
    {6: (0, 2, 4), 3: (0, 1, 2)},
    ("score", "sim", "similarity"),
    "6: query_id Q0 doc_id rank score tag",
    "a JSON run; expected {query_id: {doc_id: score}}",
)
_QRELS = Shape(
    {4: (0, 2, 3), 3: (0, 1, 2)},
    (
        *("score", "relevance", "rel", "grade", "label", "judgment", "judgement", "relevancy", "rating", "gain")
        + ("bewertung", "relevanz", "grad"),
    ),
    "3 (BEIR) or 4 (TREC): query_id 0 doc_id grade",
    'JSON qrels; expected {query_id: {doc_id: grade}} or objects with "query-id", "corpus-id" and "score"',
)
_SAMPLE = 100  # judgements that decide whether their third column is a grade
_HIGHEST = 2**31 - 1  # the largest grade, as in trec_eval's 32-bit counts


def read_run(path: str | Path) -> Run:
    """Return the run in a file; standard input for "-".

    A line is TREC's `query_id Q0 doc_id rank score tag`, whose rank is ignored, or MS MARCO's `query_id doc_id rank`,
    whose scores become -rank. Columns are separated as in `read_qrels`. The file may also be JSON, {query: {doc:
    score}}. Raises CorpusError with the line number on a line that is not in the format, a score that is not a finite
    number, and a document that a query has twice.
    """
    run: Run = {}
    ranks = False
    for line, query_id, doc_id, score, columns in _rows(path, _RUN):
        ranks = columns == 3
        _check_ids(query_id, doc_id, path, line)
        documents = run.setdefault(query_id, {})
        if doc_id in documents:
            raise CorpusError(f"query {query_id!r} has document {doc_id!r} twice; expected it once", path, line)
        documents[doc_id] = _score(score, path, line)
    if not run:
        raise CorpusError("contains no rankings; expected lines of a TREC run, or {query_id: {doc_id: score}}", path)
    return _from_ranks(run, path) if ranks else run


def read_qrels(path: str | Path, encoding: str = "utf-8") -> Qrels:
    """Return the judgements in a file; standard input for "-".

    A line is TREC's `query_id 0 doc_id grade` or BEIR's `query_id doc_id grade`, or has the columns that a header row
    names. Columns are separated by tabs and blanks in any mixture, by commas or by semicolons, and may have the quotes
    of Python's csv. The file may also be JSON, {query: {doc: grade}} or objects such as {"query-id": …, "corpus-id": …,
    "score": …}. Raises CorpusError with the line number on a line that is not in the format, and on two different
    grades for the same query and document; and on a run, whose ranks would be read as grades.
    """
    qrels: Qrels = {}
    named = True
    for line, query_id, doc_id, text, columns in _with_grades(_rows(path, _QRELS, encoding), path):
        named = columns == 0
        grade = _grade(text, path, line)
        _check_ids(query_id, doc_id, path, line)
        judged = qrels.setdefault(query_id, {})
        if judged.setdefault(doc_id, grade) != grade:
            message = f"query {query_id!r} has grades {judged[doc_id]} and {grade} for {doc_id!r}; expected one grade"
            raise CorpusError(message, path, line)
    if not qrels:
        raise CorpusError("contains no judgements; expected TREC or BEIR qrels", path)
    if not named and is_ranked(qrels):
        what = "looks like a run: the grades of each query are the ranks 1, 2, 3 and so on"
        hint = "if they are grades, add a header row: query-id, corpus-id, score"
        raise CorpusError(f"{what}; expected {_QRELS.expected}; {hint}", path)
    return qrels


def _with_grades(rows: Iterator[Row], path: str | Path) -> Iterator[Row]:
    """Return `rows`. Raises CorpusError if they are TREC's judgements without the column of the grades."""
    sample = list(itertools.islice(rows, _SAMPLE))
    if all(row.columns == 3 for row in sample) and lacks_grades([(row.doc_id, row.number) for row in sample]):
        message = "the columns are query_id 0 doc_id, without the grade of TREC's judgements"
        raise CorpusError(f"{message}; expected {_QRELS.expected}", path, sample[0].line)
    return itertools.chain(sample, rows)


def write_run(target: str | Path | IO[str], rankings: Iterable[Ranking], tag: str) -> None:
    """Write `rankings` as a TREC run, in the given order; the file is written atomically.

    Reading the file gives exactly the same scores, and the lines of a query are in the order in which trec_eval sorts.
    A file whose name ends in .json is written as JSON, {query_id: {doc_id: score}}, which allows any id.
    Raises CorpusError on an id or tag with white space and on a score that is not finite, which the format does not
    allow, on two rankings of one query, and if the file cannot be written.
    """
    form = _json_lines if isinstance(target, str | Path) and Path(target).suffix == ".json" else _run_lines
    _write(target, form(_distinct(rankings), _checked_column(tag, "tag")))


def _distinct(rankings: Iterable[Ranking]) -> Iterator[Ranking]:
    """Yield `rankings`. Raises CorpusError if two have the same query id."""
    seen: set[str] = set()
    for ranking in rankings:
        if ranking.query.query_id in seen:
            raise CorpusError(f"the query id {ranking.query.query_id!r} has two rankings; expected one per query")
        seen.add(ranking.query.query_id)
        yield ranking


def _json_lines(rankings: Iterable[Ranking], tag: str) -> Iterator[str]:
    """Yield a JSON object, a line for each query; it has no place for `tag`."""
    before = "{"
    for ranking in rankings:
        scores = {hit.document.doc_id: _finite(hit.score) for hit in ranking.hits}
        yield f"{before}\n{json.dumps(ranking.query.query_id)}: {json.dumps(scores)}"
        before = ","
    yield "{}\n" if before == "{" else "\n}\n"


def _run_lines(rankings: Iterable[Ranking], tag: str) -> Iterator[str]:
    for ranking in rankings:
        query_id = _checked_column(ranking.query.query_id, "query id")
        for rank, hit in enumerate(ranking.hits, start=1):
            doc_id = _checked_column(hit.document.doc_id, "document id")
            yield join([query_id, "Q0", doc_id, str(rank), repr(_finite(hit.score)), tag]) + "\n"


def write_qrels(target: str | Path | IO[str], qrels: Qrels) -> None:
    """Write `qrels` as a TREC file, atomically. Raises CorpusError as `write_run` does."""
    _write(
        target,
        (
            join([_checked_column(query_id, "query id"), "0", _checked_column(doc_id, "document id"), str(grade)])
            + "\n"
            for query_id, judged in qrels.items()
            for doc_id, grade in judged.items()
        ),
    )


def _write(target: str | Path | IO[str], lines: Iterable[str]) -> None:
    if not isinstance(target, str | Path):
        target.writelines(lines)
        return
    if "\0" in str(target):
        raise CorpusError(f"the file name {str(target)!r} has a NUL character; expected a name without it")
    try:
        if _is_device(target):
            with open(target, "w", encoding="utf-8") as device:
                device.writelines(lines)
        else:
            write_file(Path(os.path.realpath(target)), lines)
    except OSError as error:
        raise CorpusError(f"cannot be written: {error.strerror or error}", target) from None


def _is_device(target: str | Path) -> bool:
    """Return whether `target` is a device or a pipe, such as /dev/null, which must be written to and not replaced."""
    try:
        mode = os.stat(target).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _rows(path: str | Path, shape: Shape, encoding: str = "utf-8") -> Iterator[Row]:
    lines = read_lines(path, encoding)
    first = list(itertools.islice(lines, 1))
    lines = itertools.chain(first, lines)
    if is_json(path, first[0][1] if first else ""):
        return read_json(list(lines), path, shape)
    return read_columns(lines, path, shape)


def _check_ids(query_id: str, doc_id: str, path: str | Path, line: int | None) -> None:
    if not query_id or not doc_id:
        raise CorpusError("the query id or the document id is empty; expected both", path, line)


def _from_ranks(run: Run, path: str | Path) -> Run:
    """Return a run whose scores are ranks with -rank as the scores. Raises CorpusError if they are not 1 to n."""
    for query_id, documents in run.items():
        if sorted(documents.values()) != list(range(1, len(documents) + 1)):
            what = f"3 columns, whose third is not the ranks 1 to {len(documents)} for query {query_id!r}"
            raise CorpusError(f"{what}; expected {_RUN.expected}, or MS MARCO's query_id doc_id rank", path)
    return {query_id: {doc_id: -rank for doc_id, rank in documents.items()} for query_id, documents in run.items()}


def _score(text: str, path: str | Path, line: int | None) -> float:
    try:
        score = to_number(text)
    except ValueError:
        raise CorpusError(f"the score {text!r} is not a number", path, line) from None
    if not math.isfinite(score):
        raise CorpusError(f"the score {text!r} is not finite; expected a finite number", path, line)
    return score


def _grade(text: str, path: str | Path, line: int | None) -> int:
    try:
        grade = to_number(re.sub(r",0+$", "", text))  # 2,0 is 2, as a German Excel writes it
    except ValueError:
        grade = math.nan
    if not grade.is_integer():
        hint = "; a header row has names such as query-id, corpus-id, score" if text[:1].isalpha() else ""
        raise CorpusError(f"the grade {text!r} is not a whole number{hint}", path, line)
    if abs(grade) > _HIGHEST:
        raise CorpusError(f"the grade {text!r} is out of range (at most {_HIGHEST}); is it a score?", path, line)
    return int(grade)


def column_problem(text: str) -> str:
    """Return why `text` cannot be an id or a tag in a TREC file, "" if it can.

    >>> column_problem("d1"), column_problem("two words")
    ('', 'has white space, which a TREC file does not allow')
    """
    if not text:
        return "is empty, which a TREC file does not allow"
    if any(character.isspace() for character in text):
        return "has white space, which a TREC file does not allow"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "has a lone surrogate, which UTF-8 cannot encode"
    return ""


def _checked_column(text: str, what: str) -> str:
    if problem := column_problem(text):
        way_out = "" if what == "tag" else "; a run can be JSON, in a file whose name ends in .json"
        raise CorpusError(f"the {what} {text!r} {problem}{way_out}")
    return text


def _finite(score: float) -> float:
    if not math.isfinite(score):
        raise CorpusError(f"a score is {score}; expected a finite number in a TREC file")
    return float(score)  # the repr of a NumPy number is not a plain number
