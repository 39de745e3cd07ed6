"""The output of a mine, which survives a kill: a file of finished queries beside a checkpoint, until it is complete."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from resift.indexer.lock import try_lock
from resift.rerank.training.examples import Example, from_line, write_examples
from resift.rerank.training.mining.tally import Tally
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import CorpusError, SettingsError

_SAVED_EVERY = 2.0  # seconds


class MiningOutput:
    """The file of the examples of a mine.

    Until all queries are done, the examples are in NAME.part.jsonl, and NAME.part.json counts the queries of which it
    has all examples. A mine that is begun again with the same settings and the same input continues after them, and
    ends with the same bytes as one that was never stopped.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Write to `path`: JSON lines, compressed if it ends with .gz, or Parquet. `facts` decide what is mined."""
        self.path = path
        self.part = path.with_name(f"{path.name}.part.jsonl")
        self.checkpoint = path.with_name(f"{path.name}.part.json")
        self.facts: dict[str, Any] = json.loads(json.dumps(dict(facts)))
        self.done, self.digest, self.tally = 0, b"", Tally()
        self._size, self._saved = 0, time.monotonic()
        self._file: IO[bytes] | None = None

    @contextmanager
    def opened(self, *, overwrite: bool = False) -> Iterator[MiningOutput]:
        """Hold the file; continue a mine that was stopped, or begin.

        What was finished is saved also if an error ends the block. Raises SettingsError if the output exists already,
        or a stopped mine had other facts, and neither may be overwritten; CorpusError if the file cannot be written, or
        another process is writing it.
        """
        if self.path.exists() and not overwrite:
            raise SettingsError(f"{self.path} exists; name another file, or set `overwrite`", "output")
        try:
            file = self.part.open("ab")
        except OSError as error:
            raise CorpusError(f"cannot be written: {error.strerror}", self.part) from None
        with file:
            if try_lock(file.fileno()) is False:
                raise CorpusError("another process is mining into this file; wait until it ends", self.part)
            self._file = file
            self._begin(overwrite)
            try:
                yield self
            finally:
                if self.done:
                    self.save()
                else:  # nothing is lost
                    self.part.unlink(missing_ok=True)

    def _begin(self, overwrite: bool) -> None:
        """Cut the file to what the checkpoint counts, or to nothing."""
        if not overwrite and self.checkpoint.exists():
            self._resume()
        else:
            self.checkpoint.unlink(missing_ok=True)
        file = self._opened()
        if file.seek(0, os.SEEK_END) < self._size:
            raise SettingsError(
                f"{self.part} is shorter than its checkpoint says; set `overwrite` to begin anew", "output"
            )
        file.truncate(self._size)
        file.seek(self._size)

    def _resume(self) -> None:
        try:
            values = json.loads(self.checkpoint.read_text(encoding="utf-8"))
            self.done, self._size = int(values["done"]), int(values["bytes"])
            self.digest, self.tally = bytes.fromhex(values["digest"]), Tally.from_json(values["tally"])
            before: dict[str, Any] = dict(values["facts"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{self.checkpoint} cannot be read ({error}); set `overwrite` to begin anew"
            raise SettingsError(message, "output") from None
        for name in sorted({*before, *self.facts}):
            if before.get(name) != self.facts.get(name):
                was = f"was begun with {name} {before.get(name)!r}, not {self.facts.get(name)!r}"
                hint = "use the same to finish it, or set `overwrite` to begin anew"
                raise SettingsError(f"{self.part} {was}; {hint}", "output")

    def check_same(self, digest: bytes) -> None:
        """Raise SettingsError if the first queries of the input, of `digest`, are not those that were done before."""
        if digest != self.digest:
            what = f"the first {self.done} queries are not those of {self.part}: the input has changed"
            raise SettingsError(f"{what}; set `overwrite` to begin anew", "output")

    def add(self, lines: list[str], digest: bytes) -> None:
        """Write the lines of one more query; `digest` is that of all queries so far.

        Raises CorpusError if they cannot be written.
        """
        try:
            self._opened().write("".join(lines).encode("utf-8", "replace"))
        except OSError as error:
            raise CorpusError(f"cannot be written: {error.strerror}", self.part) from None
        self.done, self.digest = self.done + 1, digest
        if time.monotonic() - self._saved > _SAVED_EVERY:
            self.save()

    def save(self) -> None:
        """Write what is done to the disk. Raises CorpusError if that fails."""
        if self._file is None:  # finished
            return
        file = self._file
        try:
            file.flush()
            os.fsync(file.fileno())
            self._size = file.tell()
            values = {"done": self.done, "bytes": self._size, "digest": self.digest.hex()}
            write_file(self.checkpoint, [json.dumps({**values, "tally": self.tally.to_json(), "facts": self.facts})])
        except OSError as error:
            raise CorpusError(f"cannot be written: {error.strerror}", self.checkpoint) from None
        self._saved = time.monotonic()

    def finish(self) -> None:
        """Move the complete examples to the output, in its form. Raises CorpusError if that fails."""
        self.save()
        self._file = None
        try:
            if self.path.suffix == ".parquet":
                write_examples(self.path, _examples(self.part))
            elif self.path.suffix == ".gz":
                _compress(self.part, self.path)
            else:
                os.replace(self.part, self.path)
            self.part.unlink(missing_ok=True)
            self.checkpoint.unlink(missing_ok=True)
        except OSError as error:
            raise CorpusError(f"cannot be written: {error.strerror}", self.path) from None

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            raise CorpusError("is not open; call `opened` first", self.part)
        return self._file


def _compress(source: Path, target: Path) -> None:
    """Write `source` to `target` with gzip; equal content gives equal bytes."""
    packed = target.with_name(f"{target.name}.part.gz")
    with source.open("rb") as plain, packed.open("wb") as raw:
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
            shutil.copyfileobj(plain, file)
    os.replace(packed, target)


def _examples(path: Path) -> Iterator[Example]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield from_line(line)
