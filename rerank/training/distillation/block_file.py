"""A file of lines that is appended in blocks: a process that is killed loses at most the block it was writing."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from resift.retrieval.errors import CorpusError


class BlockFile:
    """Lines of text in a file, and beside it a journal with the end and the checksum of each block.

    A block is on the disk before the journal names it, so that the file up to the last journalled end is always whole.
    One process writes at a time; the caller holds a lock.
    """

    def __init__(self, path: Path) -> None:
        """Use the file at `path`; its journal has the same name with `.blocks` added."""
        self.path, self.journal = path, path.with_name(path.name + ".blocks")
        self.rows = 0
        self._end = 0

    def recover(self) -> int:
        """Remove what a killed process left unfinished, and return the number of whole lines.

        Raises CorpusError if an earlier block is damaged, or the journal of a file is missing: then lines that were
        once finished would be lost.
        """
        blocks = self._blocks()
        if not blocks and self.path.exists() and self.path.stat().st_size and not self.journal.exists():
            message = f"its journal {self.journal.name} is missing; restore it, or remove this file"
            raise CorpusError(message, self.path)
        self.rows, self._end = 0, 0
        with self.path.open("a+b") as file:
            file.seek(0)
            for place, (end, rows, crc) in enumerate(blocks):
                if zlib.crc32(file.read(end - self._end)) != crc or file.tell() != end:
                    if place + 1 < len(blocks):
                        message = f"block {place + 1} of {len(blocks)} is damaged; restore the file, or remove it"
                        raise CorpusError(f"{message} together with {self.journal.name}", self.path)
                    blocks = blocks[:-1]
                    break
                self.rows, self._end = rows, end
            file.truncate(self._end)
        self._write_journal(blocks)
        return self.rows

    def append(self, lines: Sequence[str]) -> None:
        """Add `lines`, each without its line break, as one block. Call `recover` first. Raises OSError."""
        if not lines:
            return
        block = "".join(f"{line}\n" for line in lines).encode("utf-8")
        with self.path.open("r+b") as file:
            file.seek(self._end)
            file.write(block)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        self.rows, self._end = self.rows + len(lines), self._end + len(block)
        with self.journal.open("ab") as journal:
            journal.write(_entry(self._end, self.rows, zlib.crc32(block)))
            journal.flush()
            os.fsync(journal.fileno())

    def lines(self) -> Iterator[str]:
        """Yield the whole lines; what is not finished is left out. Raises OSError."""
        blocks = self._blocks()
        end = blocks[-1][0] if blocks else 0
        with self.path.open("rb") as file:
            done = 0
            for line in file:
                done += len(line)
                if done > end:
                    return
                yield line.decode("utf-8").rstrip("\n")

    def _blocks(self) -> list[tuple[int, int, int]]:
        """Return the end in bytes, the number of lines so far, and the CRC-32 of each block of the journal."""
        found: list[tuple[int, int, int]] = []
        if self.journal.exists():
            for line in self.journal.read_bytes().splitlines(keepends=True):
                entry = _parse(line)
                if entry is None:
                    break
                found.append(entry)
        return found

    def _write_journal(self, blocks: Sequence[tuple[int, int, int]]) -> None:
        content = b"".join(_entry(*block) for block in blocks)
        if not self.journal.exists() or self.journal.read_bytes() != content:
            with self.journal.open("wb") as journal:
                journal.write(content)
                journal.flush()
                os.fsync(journal.fileno())


def _entry(end: int, rows: int, crc: int) -> bytes:
    return json.dumps([end, rows, crc]).encode() + b"\n"


def _parse(line: bytes) -> tuple[int, int, int] | None:
    """Return an entry of the journal, or None if it was not written to its end."""
    if not line.endswith(b"\n"):
        return None
    try:
        end, rows, crc = json.loads(line)
        return int(end), int(rows), int(crc)
    except (ValueError, TypeError):
        return None
