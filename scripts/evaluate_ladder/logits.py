"""The files of scores: one line per query, appended as soon as it is scored, so that no scoring is lost."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeGuard

from resift.indexer.lock import try_lock

from .models import EvaluatedModel
from .splits import JudgedSet, file_name

VERSION = 2
"""The version of the lines; those of another version count as not scored."""


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """What a model found for the n candidates of one query, in the first stage's order.

    `logits` (n,): None for a document without text to read. `read` (n,): the share of each text that the model read,
    above 0 and at most 1, as `resift.rerank.reranker.Reranking` has it; None where the logit is.
    """

    logits: tuple[float | None, ...]
    read: tuple[float | None, ...]


class BusyError(Exception):
    """Raised if another process is writing the same file."""


@dataclass(frozen=True, slots=True)
class LogitFile:
    """The scores of one model on one set: `path` depends on the model's files, its length and the set."""

    path: Path

    @classmethod
    def of(cls, work: Path, model: EvaluatedModel, judged: JudgedSet) -> LogitFile:
        """Return the file in the work folder."""
        length = "own" if model.max_length is None else str(model.max_length)
        return cls(work / "logits" / f"{model.fingerprint[:16]}-{length}" / f"{file_name(judged.spec)}.jsonl")

    def read(self, judged: JudgedSet) -> dict[str, CandidateScores]:
        """Return query_id -> scores of those queries whose text and candidates are still the ones that were scored.

        A line that a killed process left incomplete, or that anything else damaged, counts as not scored, and so does
        one of another version.
        """
        rows = self._rows(judged)
        found = {query_id: _scores(row, len(judged.candidates[query_id].doc_ids)) for query_id, row in rows}
        return {query_id: scores for query_id, scores in found.items() if scores is not None}

    def _rows(self, judged: JudgedSet) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Yield (query_id, line) of the lines of this version about the queries as they are now."""
        if not self.path.is_file():
            return
        for line in self.path.read_bytes().splitlines():
            row = _row(line)
            query_id = row.get("query_id")
            known = isinstance(query_id, str) and query_id in judged.candidates and row.get("version") == VERSION
            if known and row.get("digest") == judged.digest(str(query_id)):
                yield str(query_id), row

    @contextmanager
    def appending(self) -> Iterator[Appender]:
        """Open the file to append rows, for one process at a time. Raises BusyError if another one has it open."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            if try_lock(file.fileno()) is False:
                raise BusyError(f"{self.path} is being written by another process")
            yield Appender(file.fileno(), self.path)


@dataclass(frozen=True, slots=True)
class Appender:
    """An open file of scores."""

    descriptor: int
    path: Path

    def write(self, judged: JudgedSet, query_id: str, scores: CandidateScores) -> None:
        """Append one query, and wait until it is on the disk. Raises OSError."""
        row = {"version": VERSION, "query_id": query_id, "digest": judged.digest(query_id), **asdict(scores)}
        content = self.path.read_bytes()[-1:] if os.fstat(self.descriptor).st_size else b"\n"
        start = b"" if content == b"\n" else b"\n"  # after a line that a killed process left incomplete
        os.write(self.descriptor, start + json.dumps(row).encode() + b"\n")
        os.fsync(self.descriptor)


def _row(line: bytes) -> Mapping[str, object]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _scores(row: Mapping[str, object], expected: int) -> CandidateScores | None:
    """Return the scores in a line, None if they are not those of `expected` candidates."""
    logits, read = row.get("logits"), row.get("read")
    if not _are_numbers(logits, expected) or not _are_numbers(read, expected):
        return None
    both = zip(logits, read, strict=True)
    sound = all((share is None) == (logit is None) and (share is None or 0.0 < share <= 1.0) for logit, share in both)
    return CandidateScores(tuple(logits), tuple(read)) if sound else None


def _are_numbers(values: object, expected: int) -> TypeGuard[list[float | None]]:
    return (
        isinstance(values, list)
        and len(values) == expected
        and all(one is None or (isinstance(one, float) and math.isfinite(one)) for one in values)
    )
