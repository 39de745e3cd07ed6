"""Find what a training reads of the Hugging Face Hub: in a local copy, in the hub's cache, or on the hub."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path

from resift.rerank.scorers.hub import CONFIGURATION, WEIGHTS
from resift.retrieval.errors import CorpusError, ModelError
from resift.retrieval.extras import install_line
from resift.retrieval.text import error_line

HUB = "hub:"
"""Prefix of the name of a data set on the hub."""

NANOBEIR_HUB = "sentence-transformers/NanoBEIR-en"

_DATA = ("*.parquet", "*.jsonl", "*.jsonl.gz", "*.json", "*.csv", "*.tsv")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubPart:
    """What is read of a repository: its `name`, the commit or branch `revision` (None: the main branch).

    `copy` is a folder with a folder ORG/NAME for each repository, as it is on the hub; None for the hub and its cache.
    """

    name: str
    revision: str | None = None
    copy: Path | None = None

    def folder_in_copy(self) -> Path | None:
        """Return the repository's folder in the local copy, None if it is not there."""
        folder = None if self.copy is None else self.copy / self.name
        return folder if folder is not None and folder.is_dir() else None


def model_folder(part: HubPart) -> Path:
    """Return the folder of a model with its weights: safetensors, else pytorch_model.bin, else ONNX.

    A pickle (.bin) is read later with weights-only, which runs no code. Raises ModelError if the model cannot be
    downloaded or has no such weights.
    """
    copied = part.folder_in_copy()
    kinds = (*WEIGHTS["torch"], "pytorch_model.bin", *WEIGHTS["onnx"])
    for wanted in (WEIGHTS["torch"], ("pytorch_model.bin",), WEIGHTS["onnx"]):
        try:
            folder = copied or _snapshot(part, "model", [*CONFIGURATION, *wanted])
        except Exception as error:  # huggingface_hub raises errors of many libraries
            raise ModelError(_unreachable(part, error), part.name) from None
        if any(any(folder.glob(pattern)) for pattern in (kinds if copied else wanted)):
            return folder
    raise ModelError(
        "the repository has no weights (model.safetensors, pytorch_model.bin, model.onnx); choose another model",
        part.name,
    )


def data_folder(part: HubPart, patterns: tuple[str, ...] = _DATA) -> Path:
    """Return the folder of a data set with its files that match `patterns`. Raises CorpusError."""
    copied = part.folder_in_copy()
    try:
        return copied or _snapshot(part, "dataset", list(patterns))
    except Exception as error:
        raise CorpusError(_unreachable(part, error), f"{HUB}{part.name}") from None


def data_files(part: HubPart, subset: str | None, split: str) -> list[Path]:
    """Return the files of one split of a data set, in the order of their names.

    The subset is a folder; None is the only one, or the files outside of folders (`data` counts as outside). The name
    of a file begins with the split's: train-00000-of-00001.parquet, train.jsonl. Raises CorpusError if there is none.
    """
    patterns = tuple(f"{subset}/{one}" for one in _DATA) if subset else _DATA
    folder = data_folder(part, patterns)
    inside = [file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file()]
    known = [file for file in inside if any(fnmatch.fnmatch(file.name, one) for one in _DATA)]
    chosen = [file for file in known if re.match(rf"{re.escape(split)}(\W|$)", file.name)]
    folders = sorted({_subset(file) for file in chosen})
    if subset is None and len(folders) > 1 and "" not in folders:
        raise CorpusError(
            f"has several subsets ({', '.join(folders)}); name one, as in {HUB}{part.name}/{folders[0]}",
            f"{HUB}{part.name}",
        )
    wanted = subset if subset is not None else "" if "" in folders else next(iter(folders), "")
    files = [folder / file for file in chosen if _subset(file) == wanted]
    if not files:
        where = f" of the subset {subset!r}" if subset else ""
        raise CorpusError(
            f"has no files{where} for the split {split!r}; name another split or subset", f"{HUB}{part.name}"
        )
    return files


def commit_of(folder: Path) -> str:
    """Return the commit of a snapshot in the hub's cache, "" for another folder."""
    return folder.name if _COMMIT.fullmatch(folder.name) else ""


def _subset(file: Path) -> str:
    return "" if len(file.parts) == 1 or file.parts[0] == "data" else file.parts[0]


def _snapshot(part: HubPart, kind: str, patterns: list[str]) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ModelError(f"huggingface-hub is not installed: {install_line('train')}", part.name) from None
    return Path(snapshot_download(part.name, repo_type=kind, revision=part.revision, allow_patterns=patterns))


def _unreachable(part: HubPart, error: Exception) -> str:
    if isinstance(error, ModelError):
        return str(error).removeprefix(f"{part.name}: ")
    where = f"is not in {part.copy}, and " if part.copy is not None else ""
    return f"{where}cannot be downloaded ({error_line(error)}); go online, or name a folder on this machine"
