"""The folder of a distillation: what each of its stages was made from, so that a later run resumes or refuses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resift.indexer.lock import try_lock
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import ModelError, SettingsError

_SAMPLE = 1 << 20  # bytes of the beginning and the end of a large file


class WorkFolder:
    """A folder with the files of each stage, and for each a file STAGE.made.json with the facts that decide them."""

    def __init__(self, path: Path) -> None:
        """Make the folder at `path`. Raises SettingsError if it cannot be made."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{path} cannot be made: {error.strerror}; name another folder", "work") from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes away. Raises SettingsError if one is at work here."""
        with (self.path / "lock").open("w") as file:
            if try_lock(file.fileno()) is False:
                raise SettingsError(f"another process is at work in {self.path}; wait until it ends", "work")
            yield

    def begin(self, stage: str, facts: Mapping[str, Any], files: Sequence[str]) -> None:
        """Record the `facts` of a stage, JSON values by name, before its `files` in this folder are written.

        Raises SettingsError if they were made from other facts: the message names what differs and what to do.
        """
        path = self.path / f"{stage}.made.json"
        now = json.loads(json.dumps(facts))
        try:
            before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        except (OSError, ValueError) as error:
            raise SettingsError(f"{path} cannot be read ({error}); name another folder", "work") from None
        if before is None:
            write_file(path, [json.dumps(now, indent=1, ensure_ascii=False), "\n"])
            return
        changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
        if changed:
            shown = "; ".join(f"{name} was {_short(before.get(name))}, now {_short(now.get(name))}" for name in changed)
            own = ", ".join([path.name, *files])
            raise SettingsError(
                f"{self.path} has {stage} of other values ({shown}); repeat the earlier values to resume, or name "
                f"another folder, or remove {own} there to make them anew",
                "work",
            )


def file_print(path: Path) -> str:
    """Return a text that changes with the content of a file: its SHA-256, sampled where it is larger than 64 MiB."""
    digest, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        if size <= 64 * _SAMPLE:
            digest = hashlib.file_digest(file, "sha256")
        else:
            for start in (0, size // 2, size - _SAMPLE):
                file.seek(start)
                digest.update(file.read(_SAMPLE))
    return f"{size} bytes, sha256 {digest.hexdigest()[:16]}"


def model_print(folder: Path) -> str:
    """Return a text that changes with the weights, the configuration or the tokenizer of a model in `folder`.

    Raises ModelError if the folder cannot be read.
    """
    digest = hashlib.sha256()
    try:
        kinds = ("config.json", "tokenizer.json", "*.safetensors", "*.onnx", "onnx/*.onnx", "vocab.txt")
        for path in sorted(path for kind in kinds for path in folder.glob(kind)):
            digest.update(f"{path.relative_to(folder)} {file_print(path)}\n".encode())
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", folder) from None
    return digest.hexdigest()[:16]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
