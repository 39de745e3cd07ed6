"""The progress of a load in a small file, from which a later run resumes; a lock allows one load at a time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from resift.indexer.lock import try_lock
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import IndexingError

_FIELDS = {"token": "load_id", "how": "settings"}
"""Name in the file -> field, where the two differ; the names in the file stay, so that a newer resift can resume."""


@dataclass(slots=True)
class Checkpoint:
    """The first `done` entries of the source are in the engine, or in the file of refused documents.

    `load_id`: stored in the index when it was created. `settings`: those that decide which entries the source yields
    and how they are indexed, by name. `created`: number of new documents in the engine. `refused`: number of refused
    ones. `listed`: size in bytes of the file of refused documents. `kept`: the aliases of the index that the load
    replaces, which the new one gets. `replaced`: number of documents in that index, -1 if unknown. Raises ValueError
    for values that a load does not write.
    """

    target: str
    source: str
    index: str
    load_id: str
    settings: dict[str, Any]
    done: int = 0
    created: int = 0
    refused: int = 0
    listed: int = 0
    kept: dict[str, Any] = field(default_factory=dict)
    replaced: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for values of a wrong type, and for negative counts."""
        texts = (self.target, self.source, self.index, self.load_id)
        counts = (self.done, self.created, self.refused, self.listed)
        if not all(isinstance(one, str) for one in texts) or not isinstance(self.settings, dict):
            raise ValueError("a name is not a string")
        if not all(type(one) is int and one >= 0 for one in counts):
            raise ValueError("a count is not a whole number of 0 or more")

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """Return the checkpoint that `to_json` wrote. Raises ValueError and TypeError if it is not one."""
        values: dict[str, Any] = dict(json.loads(text))
        return cls(**{_FIELDS.get(name, name): value for name, value in values.items()})

    def to_json(self) -> str:
        """Return the checkpoint as a JSON object."""
        names = {field: name for name, field in _FIELDS.items()}
        return json.dumps({names.get(field, field): value for field, value in asdict(self).items()})

    def add(self, sent: int, created: int, refused: int) -> None:
        """Count `sent` more entries, of which `created` are new in the engine and `refused` were refused."""
        self.done += sent
        self.created += created
        self.refused += refused


class CheckpointFile:
    """The checkpoint of one target and the file of its refused documents, both in `folder`."""

    def __init__(self, folder: Path, target: str, refused: str = "refused") -> None:
        """Name the files after the index of `target` and a hash of the whole address; the list ends in `refused`."""
        name = re.sub(r"[^\w.-]+", "_", target.rpartition("/")[2] or target)[:100]
        stem = f"{name}-{hashlib.sha256(target.encode()).hexdigest()[:8]}"
        self.path = folder / f"{stem}.load.json"
        self.refusals = folder / f"{stem}.{refused}.jsonl"
        self._lock = folder / f"{stem}.lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold a lock that keeps other loads of the target away. Raises IndexingError if another load holds it."""
        with self._lock_file():
            yield

    def _lock_file(self) -> IO[str]:
        """Return the lock file, open and locked."""
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            file = self._lock.open("w")
        except OSError as error:
            raise IndexingError(f"{error.filename or self._lock} cannot be written: {error.strerror}") from None
        if try_lock(file.fileno()) is False:
            file.close()
            raise IndexingError(f"another load of this target is running (it holds {self._lock}); wait until it ends")
        return file

    def read(self, target: str, source: str, settings: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint of a stopped load.

        Raises IndexingError if no load has left one, or if its `target`, its `source` or one of its `settings`
        differs.
        """
        try:
            checkpoint = Checkpoint.from_json(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise IndexingError(
                f"{self.path} does not exist: there is nothing to resume for this target; leave out `resume`"
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise IndexingError(f"{self.path} cannot be read ({error}); load again without `resume`") from None
        facts: dict[str, tuple[object, object]] = {"target": (checkpoint.target, target)}
        facts["source"] = (checkpoint.source, source)
        names = {*checkpoint.settings, *settings}
        facts |= {name: (checkpoint.settings.get(name), settings.get(name)) for name in names}
        for name, (before, now) in sorted(facts.items()):
            if before != now and name == "source":
                raise IndexingError(
                    f"the stopped load read {self._name(before)}, but this is {self._name(now)}, or it has changed "
                    "since; load again with `overwrite`"
                )
            if before != now:
                raise IndexingError(
                    f"the stopped load used {name} {before!r}, not {now!r}; use the same value, or load again"
                )
        return checkpoint

    @staticmethod
    def _name(source: object) -> str:
        return str(source).partition(", ")[0]

    def write(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint to the disk. Raises IndexingError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self.path, [checkpoint.to_json()])
        except OSError as error:
            raise IndexingError(f"{self.path} cannot be written: {error.strerror}") from None

    def append_refusals(self, lines: list[str], checkpoint: Checkpoint) -> None:
        """Append refused documents to their file, after removing those that a killed load wrote and did not count.

        Raises IndexingError if the file cannot be written.
        """
        if not lines:
            return
        try:
            self.refusals.parent.mkdir(parents=True, exist_ok=True)
            with self.refusals.open("ab") as file:
                file.truncate(checkpoint.listed)
                file.write("".join(lines).encode("utf-8"))
                checkpoint.listed = file.tell()
        except OSError as error:
            raise IndexingError(f"{self.refusals} cannot be written: {error.strerror}") from None

    def clear(self) -> None:
        """Remove the checkpoint and the refused documents of an earlier load."""
        self.path.unlink(missing_ok=True)
        self.refusals.unlink(missing_ok=True)

    def remove_checkpoint(self) -> None:
        """Remove the checkpoint: the load is complete, or failed before its index existed."""
        self.path.unlink(missing_ok=True)
