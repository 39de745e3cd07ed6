"""The data of a training: files, folders and data sets of the hub, read as one stream of examples."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from resift.rerank.scorers.hub import REPOSITORY
from resift.rerank.template import Template
from resift.rerank.training.examples import Example, form_name, read_examples
from resift.rerank.training.finetuning.hub_copy import HUB, HubPart, commit_of, data_files
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.file_hash import sha256_of


@dataclass(frozen=True, slots=True)
class DataSource:
    """One source: a file, a folder of files, or "hub:ORG/NAME", "hub:ORG/NAME/SUBSET", "hub:ORG/NAME@REVISION".

    `split` is that of a data set on the hub; `first` the number of examples that are read, all if it is None.
    `licence` and `attribution` are for the card.
    """

    source: str
    split: str = "train"
    first: int | None = None
    licence: str = ""
    attribution: str = ""

    def files(self, copy: Path | None = None) -> list[Path]:
        """Return the files of the source, those of the hub from its local copy if there is one. Raises CorpusError."""
        if not self.source.startswith(HUB):
            return [Path(self.source)]
        part, subset = self.hub_part(copy)
        return data_files(part, subset, self.split)

    def hub_part(self, copy: Path | None = None) -> tuple[HubPart, str | None]:
        """Return the repository on the hub and the subset. Raises SettingsError if the name is not one of the hub."""
        name, _, revision = self.source.removeprefix(HUB).partition("@")
        parts = name.split("/", 2)
        repository = "/".join(parts[:2])
        if not REPOSITORY.fullmatch(repository):
            raise SettingsError(f"{self.source!r} is not a data set of the hub; expected {HUB}ORG/NAME", "data")
        return HubPart(repository, revision or None, copy), parts[2] if len(parts) > 2 else None

    @property
    def name(self) -> str:
        """The name for people: the data set's, or the file's."""
        if self.source.startswith(HUB):
            return self.source.removeprefix(HUB).partition("@")[0]
        return Path(self.source).name


def read_sources(
    sources: Sequence[DataSource],
    template: Template,
    copy: Path | None = None,
    on_bad: Callable[[CorpusError], object] | None = None,
) -> Iterator[Example]:
    """Yield the examples of all sources, one after the other.

    Raises CorpusError if a source cannot be read, has a bad record that `on_bad` does not take, or if two sources have
    different forms.
    """
    form = ""
    for source in sources:
        files = source.files(copy)
        examples = itertools.chain.from_iterable(read_examples(file, template, None, on_bad) for file in files)
        for example in itertools.islice(examples, source.first):
            if form and form_name(example) != form:
                message = f"has {form_name(example)}, but the data before it has {form}; train on one form"
                raise CorpusError(message, source.name)
            form = form_name(example)
            yield example


def fingerprint(sources: Sequence[DataSource], copy: Path | None, *settings: object) -> str:
    """Return a hash of the content of all files and of `settings`: equal for equal training data.

    Raises CorpusError if a file cannot be read.
    """
    whole = hashlib.sha256(repr(settings).encode())
    for source in sources:
        whole.update(f"{source.split} {source.first}\n".encode())
        for file in source.files(copy):
            inside = sorted(one for one in file.rglob("*") if one.is_file()) if file.is_dir() else [file]
            for one in inside:
                try:
                    whole.update(sha256_of(one).encode())
                except OSError as error:
                    message = f"cannot be read: {error.strerror}; expected a file of training examples"
                    raise CorpusError(message, one) from None
    return whole.hexdigest()


def revision_of(source: DataSource, copy: Path | None) -> str:
    """Return the commit of a data set on the hub, "" if it is not known."""
    if not source.source.startswith(HUB):
        return ""
    part, _ = source.hub_part(copy)
    found = [commit_of(parent) for file in source.files(copy)[:1] for parent in file.parents]
    return part.revision or next((one for one in found if one), "")
