"""Read and write run and qrels files of TREC; read qrels files of BEIR."""

from __future__ import annotations

import gzip
import json
import math
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Qrels, Ranking, Run

_HIGHEST = 2**31 - 1  # the largest grade, as in trec_eval's 32-bit counts


def read_run(path: str | Path) -> Run:
    """Return the run in a TREC file (`query_id Q0 doc_id rank score tag`), or in a JSON file {query: {doc: score}}.

    The rank column is ignored; the scores give the order. Raises CorpusError with the line number on a line that is
    not in the format, a score that is not a finite number, and a document that a query has twice.
    """
    if str(path).removesuffix(".gz").endswith(".json"):
        return _read_json_run(path)
    run: Run = {}
    for line, text in _lines(path):
        columns = text.split()
        if len(columns) != 6:
            raise CorpusError(f"{len(columns)} columns; expected 6: query_id Q0 doc_id rank score tag", path, line)
        query_id, _, doc_id, _, score, _ = columns
        documents = run.setdefault(query_id, {})
        if doc_id in documents:
            raise CorpusError(f"query {query_id!r} has document {doc_id!r} twice; expected it once", path, line)
        documents[doc_id] = _score(score, path, line)
    if not run:
        raise CorpusError("contains no rankings; expected lines of a TREC run", path)
    return run


def read_qrels(path: str | Path) -> Qrels:
    """Return the judgements in a TREC file (`query_id 0 doc_id grade`) or a BEIR file (header, `query doc grade`).

    Raises CorpusError with the line number on a line that is not in the format, and on two different grades for the
    same query and document.
    """
    qrels: Qrels = {}
    for line, text in _lines(path):
        columns = text.rstrip("\r\n").split("\t") if "\t" in text else text.split()
        columns = [column.strip() for column in columns]
        if line == 1 and len(columns) == 3 and _is_name(columns[2]):
            continue  # the header of BEIR: query-id corpus-id score
        if len(columns) not in (3, 4):
            raise CorpusError(
                f"{len(columns)} columns; expected 3 (BEIR) or 4 (TREC): query_id 0 doc_id grade", path, line
            )
        query_id, doc_id, grade = columns[0], columns[-2], _grade(columns[-1], path, line)
        if not query_id or not doc_id:
            raise CorpusError("the query id or the document id is empty; expected both", path, line)
        judged = qrels.setdefault(query_id, {})
        if judged.setdefault(doc_id, grade) != grade:
            message = f"query {query_id!r} has grades {judged[doc_id]} and {grade} for {doc_id!r}; expected one grade"
            raise CorpusError(message, path, line)
    if not qrels:
        raise CorpusError("contains no judgements; expected TREC or BEIR qrels", path)
    return qrels


def write_run(target: str | Path | IO[str], rankings: Iterable[Ranking], tag: str) -> None:
    """Write `rankings` as a TREC run, in the given order; the file is written atomically.

    Reading the file gives exactly the same scores, and the lines of a query are in the order in which trec_eval sorts.
    Raises CorpusError on an id or tag with white space and on a score that is not finite, which the format does not
    allow, on two rankings of one query, and if the file cannot be written.
    """
    _write(target, _run_lines(rankings, _checked_column(tag, "tag")))


def _run_lines(rankings: Iterable[Ranking], tag: str) -> Iterator[str]:
    seen: set[str] = set()
    for ranking in rankings:
        query_id = _checked_column(ranking.query.query_id, "query id")
        if query_id in seen:
            raise CorpusError(f"the query id {query_id!r} has two rankings; expected one per query")
        seen.add(query_id)
        for rank, hit in enumerate(ranking.hits, start=1):
            doc_id = _checked_column(hit.document.doc_id, "document id")
            yield f"{query_id} Q0 {doc_id} {rank} {_finite(hit.score)!r} {tag}\n"


def write_qrels(target: str | Path | IO[str], qrels: Qrels) -> None:
    """Write `qrels` as a TREC file, atomically. Raises CorpusError as `write_run` does."""
    _write(
        target,
        (
            f"{_checked_column(query_id, 'query id')} 0 {_checked_column(doc_id, 'document id')} {grade}\n"
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


def _lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield (1-based line number, text) of each line that is not blank. Raises CorpusError."""
    number = 0
    try:
        with gzip.open(path, "rb") if str(path).endswith(".gz") else open(path, "rb") as file:
            for number, raw in enumerate(file, start=1):
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                if "\0" in text:
                    raise CorpusError("contains NUL bytes, as UTF-16 does; save it as UTF-8", path, number)
                if text.strip():
                    yield number, text
    except UnicodeDecodeError as error:
        raise CorpusError(f"byte {error.start + 1} of the line is not UTF-8", path, number) from None
    except IsADirectoryError:
        raise CorpusError("is a folder; expected a file", path) from None
    except FileNotFoundError:
        raise CorpusError("does not exist; expected a file", path) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(
            f"is not a complete gzip file ({error}); compress it again or decompress it first", path
        ) from None
    except (OSError, ValueError) as error:  # ValueError: the name has a NUL
        raise CorpusError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path) from None


def _read_json_run(path: str | Path) -> Run:
    try:
        found = json.loads("".join(text for _, text in _lines(path)), object_pairs_hook=_reject_duplicate_keys)
        run = {
            query_id: {doc_id: _score(str(score), path, None) for doc_id, score in documents.items()}
            for query_id, documents in found.items()
        }
    except _DuplicateKeyError as error:
        raise CorpusError(f"has {error} twice in one object; expected each query and document once", path) from None
    except (ValueError, AttributeError, RecursionError):
        raise CorpusError("is not a JSON run; expected {query_id: {doc_id: score}}", path) from None
    if not run:
        raise CorpusError("contains no rankings; expected {query_id: {doc_id: score}}", path)
    return run


class _DuplicateKeyError(ValueError):
    """A key occurs twice in one JSON object; Python would silently keep the last value."""


def _reject_duplicate_keys(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        raise _DuplicateKeyError(repr(next(name for name in names if names.count(name) > 1)))
    return found


def _score(text: str, path: str | Path, line: int | None) -> float:
    try:
        score = _number(text)
    except ValueError:
        raise CorpusError(f"the score {text!r} is not a number", path, line) from None
    if not math.isfinite(score):
        raise CorpusError(f"the score {text!r} is not finite; expected a finite number", path, line)
    return score


def _grade(text: str, path: str | Path, line: int) -> int:
    try:
        grade = _number(text)
    except ValueError:
        grade = math.nan
    if not grade.is_integer():
        raise CorpusError(f"the grade {text!r} is not a whole number", path, line)
    if abs(grade) > _HIGHEST:
        raise CorpusError(f"the grade {text!r} is out of range (at most {_HIGHEST}); is it a score?", path, line)
    return int(grade)


def _is_name(text: str) -> bool:
    """Return whether `text` is the name of a column and not a grade; a bad grade such as nan is not a name."""
    try:
        _number(text)
    except ValueError:
        return text[:1].isalpha()
    return False


def _number(text: str) -> float:
    """Return `text` as a number. Raises ValueError also on 1_000 and non-ASCII digits, which only Python accepts."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return float(text)


def column_problem(text: str) -> str:
    """Return why `text` cannot be an id or a tag in a TREC file, "" if it can.

    >>> column_problem("d1"), column_problem("two words")
    ('', 'is empty or has white space, which a TREC file does not allow')
    """
    if not text or any(character.isspace() for character in text):
        return "is empty or has white space, which a TREC file does not allow"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "has a lone surrogate, which UTF-8 cannot encode"
    return ""


def _checked_column(text: str, what: str) -> str:
    if problem := column_problem(text):
        raise CorpusError(f"the {what} {text!r} {problem}")
    return text


def _finite(score: float) -> float:
    if not math.isfinite(score):
        raise CorpusError(f"a score is {score}; expected a finite number in a TREC file")
    return float(score)  # the repr of a NumPy number is not a plain number
