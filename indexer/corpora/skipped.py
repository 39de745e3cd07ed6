"""What was left out of a corpus: bad records, by reason, and files of a folder that are not documents, by kind."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from resift.indexer.corpora.record import Record
from resift.indexer.corpora.settings import CorpusSettings
from resift.retrieval.errors import CorpusError
from resift.retrieval.text import clean
from resift.retrieval.wording import counted, noun_for

_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|\b0x[0-9a-f]{2}\b|(?<![\w-])\d+\b")
_EXCERPT = 200  # characters of a bad record that the report quotes
_MOST = 5  # reasons in a message


class SkipReport:
    """Counts what was left out, by reason, and writes one JSON line for each of it if it has a file.

    `reasons` counts bad records; `other_files` the files of a folder that are not documents, by kind, such as `.png`.
    """

    def __init__(self, file: IO[str] | None = None, wording: Callable[[str], str] = str) -> None:
        """Write to `file`, with each reason in the `wording` of the caller; only count if it is None."""
        self.reasons: Counter[str] = Counter()
        self.other_files: Counter[str] = Counter()
        self._file = file
        self._wording = wording
        self._begun = False

    @classmethod
    @contextmanager
    def opened(cls, settings: CorpusSettings, wording: Callable[[str], str] = str) -> Iterator[SkipReport]:
        """Yield a report that writes to `settings.skipped_file`, if set, with each reason in the caller's `wording`.

        Raises CorpusError if the file cannot be opened.
        """
        if not settings.skipped_file:
            yield cls()
            return
        try:
            file = open(settings.skipped_file, "a", encoding="utf-8")  # noqa: SIM115 - emptied by `begin`
        except (OSError, ValueError) as error:
            raise CorpusError(f"cannot be written: {_error_text(error)}", settings.skipped_file) from None
        try:
            yield cls(file, wording)
        finally:
            with suppress(OSError):  # each record was flushed, so a write error was raised before
                file.close()

    @property
    def count(self) -> int:
        """The number of bad records that were left out."""
        return sum(self.reasons.values())

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of what was left out, by the names that a report gives them."""
        return {"skipped": self.count, "other_files": self.other_files.total()}

    def begin(self, source: str) -> None:
        """Empty the file, which may have an earlier report. Raises CorpusError if the file is part of the corpus."""
        name = getattr(self._file, "name", None)
        if self._file is None or self._begun or not isinstance(name, str):
            return
        self._begun = True
        with suppress(OSError, ValueError):  # one does not exist, so they are different files
            inside = os.path.isdir(source) and Path(os.path.realpath(name)).is_relative_to(os.path.realpath(source))
            if inside or os.path.samefile(source, name):
                raise CorpusError(f"{name} belongs to the corpus; choose another file for the records left out", source)
        if os.path.isfile(name):  # a device or a pipe cannot be emptied
            self._file.truncate(0)

    def add(self, record: Record, reason: str) -> None:
        """Count one record, and write its place and the reason. Raises CorpusError if the file cannot be written."""
        if record.ignored:
            self.other_files[record.ignored] += 1
        else:
            self.reasons[_VARYING.sub("…", reason.split(";")[0])] += 1
        if self._file is not None:
            row = {"path": record.path, "line": record.line, "reason": self._wording(reason)}
            if record.excerpt or record.values:  # not of a whole file that could not be read
                excerpt = record.excerpt or json.dumps(dict(record.values), ensure_ascii=False, default=str)
                row["record"] = excerpt[:_EXCERPT]
            try:
                self._file.write(clean(json.dumps(row, ensure_ascii=False)) + "\n")
                self._file.flush()
            except OSError as error:
                raise CorpusError(f"cannot be written: {_error_text(error)}", self._file.name) from None

    def __str__(self) -> str:
        parts = []
        if self.count:
            reasons = "; ".join(f"{count} × {reason}" for reason, count in self.reasons.most_common(_MOST))
            parts.append(
                f"{counted(self.count, 'bad record')} {noun_for(self.count, 'was', 'were')} left out ({reasons})"
            )
        if files := self.other_files.total():
            kinds = ", ".join(f"{count} {kind}" for kind, count in self.other_files.most_common(_MOST))
            more = ", …" if len(self.other_files) > _MOST else ""
            are, were = noun_for(files, "is not a document", "are not documents"), noun_for(files, "was", "were")
            parts.append(f"{counted(files, 'file')} that {are} {were} skipped ({kinds}{more})")
        return "; ".join(parts)


def _error_text(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
