"""The scores of a teacher in a file that survives: written once, in blocks, and read by the place of a list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from resift.rerank.training.distillation.block_file import BlockFile
from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.teachers import Teacher
from resift.retrieval.errors import CorpusError, SettingsError

BLOCK_PAIRS = 512
"""Pairs of a block: some seconds of a teacher on two cores, which is what a kill can lose."""


class ListFile:
    """Candidate lists in a file of JSON lines, read one by one by their place; only offsets are kept in memory."""

    def __init__(self, path: Path) -> None:
        """Find the lines of the file at `path`. Raises CorpusError if it cannot be read or has none."""
        self.path = path
        self._offsets: list[int] = []
        try:
            with path.open("rb") as file:
                end = 0
                for line in file:
                    self._offsets.append(end)
                    end += len(line)
        except OSError as error:
            raise CorpusError(f"cannot be read: {error.strerror}", path) from None
        if not self._offsets:
            raise CorpusError("contains no candidate lists; expected at least one", path)

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, place: int) -> CandidateList:
        """Return the list at `place`. Raises CorpusError if it cannot be read."""
        with self.path.open("rb") as file:
            file.seek(self._offsets[place])
            line = file.readline()
        try:
            return CandidateList.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(
                f"is not a labelled list ({error}); remove the file to make it again", self.path, place + 1
            ) from None

    def __iter__(self) -> Iterator[CandidateList]:
        return (self[place] for place in range(len(self)))


def write_lists(path: Path, batches: Iterator[list[CandidateList]], written: Callable[[int], None]) -> int:
    """Write the lists of `batches`, a block for each, to the new file at `path`; return how many there are.

    `written` is called with their number so far. Raises OSError.
    """
    file = BlockFile(path)
    file.path.unlink(missing_ok=True)
    file.journal.unlink(missing_ok=True)
    file.recover()
    for batch in batches:
        file.append([_line(one) for one in batch])
        written(file.rows)
    return file.rows


def score_lists(
    lists: Sequence[CandidateList] | ListFile, teacher: Teacher, path: Path, scored: Callable[[int], None]
) -> int:
    """Score `lists` with `teacher` into the file at `path`, and return how many lists were scored now.

    Lists that the file has already are not scored again; what a killed process left unfinished is. `scored` is called
    with the number of lists that the file has. Raises SettingsError if the file has other lists, ModelError if a pair
    cannot be scored, and CorpusError if the file is damaged.
    """
    file = BlockFile(path)
    done = before = file.recover()
    if done > len(lists):
        raise SettingsError(f"{path} has {done} lists, but there are only {len(lists)}; name another folder", "work")
    if done and json.loads(_last(file))["query"] != lists[done - 1].query:
        raise SettingsError(f"{path} has the scores of other queries; name another folder", "work")
    scored(done)
    while done < len(lists):
        block: list[CandidateList] = []
        while done + len(block) < len(lists) and sum(len(one.candidates) for one in block) < BLOCK_PAIRS:
            block.append(lists[done + len(block)])
        labels = teacher.score(block)
        file.append([_line(one, label) for one, label in zip(block, labels, strict=True)])
        done = file.rows
        scored(done)
    return done - before


def _line(one: CandidateList, labels: tuple[float, ...] = ()) -> str:
    values = one.to_json()
    if labels:
        query, documents = values.pop("query"), values.pop("documents")
        values = {"query": query, "documents": documents, "labels": list(labels), **values}
    return json.dumps(values, ensure_ascii=False)


def _last(file: BlockFile) -> str:
    """Return the last line of a file."""
    last = ""
    for last in file.lines():  # noqa: B007 - the last one is wanted
        pass
    return last
