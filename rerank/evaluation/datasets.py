"""Select the data sets of an evaluation: NanoBEIR's thirteen by name, or any folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from resift.indexer.corpora import NANOBEIR_SETS, JudgedCollection, read_collection, read_nanobeir
from resift.rerank.evaluation.experiment import COMPARABLE, END_TO_END, Mode
from resift.retrieval.errors import SettingsError

NANOBEIR = tuple(name.removeprefix("Nano") for name in NANOBEIR_SETS)
"""The thirteen sets as `sentence-transformers/NanoBEIR-en` spells them, without their prefix "Nano"."""

OUTSIDE_COMPARABLE_MEAN = frozenset({"ArguAna", "Touche2020"})
"""The sets that sentence-transformers excludes: finding arguments is not the same task as finding answers."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One set to evaluate on: `folder` is None for a set of NanoBEIR; `in_mean`: whether the mean includes it."""

    name: str
    folder: Path | None = None
    in_mean: bool = True


def resolve(spec: str, mode: Mode = END_TO_END) -> list[DataSet]:
    """Return the sets that `spec` names.

    "nanobeir" selects all thirteen; in comparable mode the mean includes eleven of them. "nanobeir:NFCorpus,NQ" selects
    these two, and the mean includes both; names are case-insensitive, with or without "Nano". Anything else is the path
    of a collection's folder. Raises SettingsError on an unknown name and on a folder that does not exist.

    >>> [data_set.name for data_set in resolve("nanobeir:nq,NanoSciFact")]
    ['NQ', 'SciFact']
    """
    family, colon, names = spec.partition(":")
    if family.lower() == "nanobeir" and not colon:
        left_out = OUTSIDE_COMPARABLE_MEAN if mode == COMPARABLE else frozenset()
        return [DataSet(name, in_mean=name not in left_out) for name in NANOBEIR]
    if family.lower() == "nanobeir":
        return [DataSet(name) for name in dict.fromkeys(map(_nanobeir_name, names.split(",")))]
    folder = Path(spec)
    if not spec or not folder.is_dir():
        raise SettingsError(
            f"{spec!r} is not a folder; expected a folder, 'nanobeir' or 'nanobeir:NFCorpus,NQ'", "dataset"
        )
    return [DataSet(folder.resolve().name, folder)]


def load(
    data_set: DataSet, split: str | None = None, root: Path | None = None, revision: str | None = None
) -> JudgedCollection:
    """Return the collection of `data_set`.

    `split` chooses the judgements of a folder. `root` is a local copy of NanoBEIR; `revision` is the commit to read
    from the hub. Raises CorpusError if the collection cannot be read.
    """
    if data_set.folder is not None:
        return read_collection(data_set.folder, split)
    return read_nanobeir(data_set.name, root, revision)


def _nanobeir_name(given: str) -> str:
    wanted = given.strip().lower().removeprefix("nano").replace("é", "e")
    for name in NANOBEIR:
        if name.lower() == wanted:
            return name
    raise SettingsError(f"{given.strip()!r} is not a set of NanoBEIR; expected one of {', '.join(NANOBEIR)}", "dataset")
