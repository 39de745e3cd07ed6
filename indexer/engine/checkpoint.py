"""How far a load is: a small file that a later run goes on from, and that one load at a time holds."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import IndexingError

if sys.platform != "win32":
    import fcntl


@dataclass(slots=True)
class Checkpoint:
    """`done` entries of the source, from its beginning, are in the engine or written to the file of refusals.

    `how`: what decides which entries the source gives, and into what they go. `token`: what the index was marked with
    when it was made. `created`: how many documents the engine has taken as new. `listed`: bytes of the refusals' file.
    """

    target: str
    source: str
    index: str
    token: str
    how: dict[str, Any]
    done: int = 0
    created: int = 0
    refused: int = 0
    listed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no load writes. Raises ValueError."""
        texts = (self.target, self.source, self.index, self.token)
        counts = (self.done, self.created, self.refused, self.listed)
        if not all(isinstance(one, str) for one in texts) or not isinstance(self.how, dict):
            raise ValueError("a name is no text")
        if not all(type(one) is int and one >= 0 for one in counts):
            raise ValueError("a count is no whole number")

    def add(self, sent: int, created: int, refused: int) -> None:
        """Count `sent` more entries, and what became of them."""
        self.done += sent
        self.created += created
        self.refused += refused


class CheckpointFile:
    """The checkpoint of one target and the file of its refused documents, both in `folder`."""

    def __init__(self, folder: Path, target: str) -> None:
        """Name the files after `target`: its index, and what tells it from the same index elsewhere."""
        name = re.sub(r"[^\w.-]+", "_", target.rpartition("/")[2] or target)[:100]
        stem = f"{name}-{hashlib.sha256(target.encode()).hexdigest()[:8]}"
        self.path = folder / f"{stem}.load.json"
        self.refusals = folder / f"{stem}.refused.jsonl"
        self._lock = folder / f"{stem}.lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other loads of the target away, as long as this process lives. Raises IndexingError where one is on."""
        with self._locked():
            yield

    def _locked(self) -> IO[str]:
        """Return the open file whose lock is ours."""
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            file = self._lock.open("w")
        except OSError as error:
            raise IndexingError(f"{error.filename or self._lock} cannot be written: {error.strerror}") from None
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise IndexingError(f"another load of this target is under way (it holds {self._lock})") from None
            except OSError:  # a file system without locks
                pass
        return file

    def read(self, target: str, source: str, how: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint of a load that was stopped.

        Raises IndexingError where there is none of this `target` and `source`, loaded in the same way (`how`).
        """
        try:
            checkpoint = Checkpoint(**json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise IndexingError(
                f"{self.path} does not exist: no load of this target to resume; leave out --resume"
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise IndexingError(f"{self.path} cannot be read ({error}); load afresh without --resume") from None
        facts: dict[str, tuple[object, object]] = {"target": (checkpoint.target, target)}
        facts["source"] = (checkpoint.source, source)
        facts |= {name: (checkpoint.how.get(name), how.get(name)) for name in {*checkpoint.how, *how}}
        for name, (before, now) in sorted(facts.items()):
            if before != now and name == "source":
                raise IndexingError(
                    f"the stopped load read {self._plain(before)}, and this is {self._plain(now)}, or it has changed "
                    "since; load afresh with --overwrite"
                )
            if before != now:
                raise IndexingError(
                    f"the stopped load had the {name} {before!r}, not {now!r}; give what it had, or load afresh"
                )
        return checkpoint

    @staticmethod
    def _plain(source: object) -> str:
        return str(source).partition(", ")[0]

    def write(self, checkpoint: Checkpoint) -> None:
        """Put the checkpoint on the disk."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self.path, [json.dumps(asdict(checkpoint))])
        except OSError as error:
            raise IndexingError(f"{self.path} cannot be written: {error.strerror}") from None

    def append_refusals(self, lines: list[str], checkpoint: Checkpoint) -> None:
        """Add refused documents to their file, behind those that `checkpoint` knows; what a killed load left goes."""
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

    def begin(self) -> None:
        """Forget what an earlier load left."""
        self.path.unlink(missing_ok=True)
        self.refusals.unlink(missing_ok=True)

    def end(self) -> None:
        """Remove the checkpoint: the load is done."""
        self.path.unlink(missing_ok=True)
