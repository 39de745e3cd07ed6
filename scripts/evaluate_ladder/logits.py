"""The files of logits: one line per query, appended as soon as it is scored, so that no scoring is lost."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from resift.indexer.lock import try_lock

from .models import EvaluatedModel
from .splits import JudgedSet, file_name

Logits = tuple[float | None, ...]
"""The logits of a query's candidates, in the first stage's order; None for a document without text to read."""


class BusyError(Exception):
    """Raised if another process is writing the same file."""


@dataclass(frozen=True, slots=True)
class LogitFile:
    """The logits of one model on one set: `path` depends on the model's files, its length and the set."""

    path: Path

    @classmethod
    def of(cls, work: Path, model: EvaluatedModel, judged: JudgedSet) -> LogitFile:
        """Return the file in the work folder."""
        length = "own" if model.max_length is None else str(model.max_length)
        return cls(work / "logits" / f"{model.fingerprint[:16]}-{length}" / f"{file_name(judged.spec)}.jsonl")

    def read(self, judged: JudgedSet) -> dict[str, Logits]:
        """Return query_id -> logits of those queries whose text and candidates are still the ones that were scored.

        A line that a killed process left incomplete, or that anything else damaged, counts as not scored.
        """
        found: dict[str, Logits] = {}
        if not self.path.is_file():
            return found
        for line in self.path.read_bytes().splitlines():
            row = _row(line)
            query_id = row.get("query_id")
            if not isinstance(query_id, str) or query_id not in judged.candidates:
                continue
            logits = row.get("logits")
            expected = len(judged.candidates[query_id].doc_ids)
            if row.get("digest") == judged.digest(query_id) and _are_logits(logits, expected):
                found[query_id] = tuple(logits)  # type: ignore[arg-type]  # checked by _are_logits
        return found

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
    """An open file of logits."""

    descriptor: int
    path: Path

    def write(self, judged: JudgedSet, query_id: str, logits: Sequence[float | None]) -> None:
        """Append one query, and wait until it is on the disk. Raises OSError."""
        row = {"query_id": query_id, "digest": judged.digest(query_id), "logits": list(logits)}
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


def _are_logits(logits: object, expected: int) -> bool:
    return (
        isinstance(logits, list)
        and len(logits) == expected
        and all(one is None or (isinstance(one, float) and math.isfinite(one)) for one in logits)
    )
