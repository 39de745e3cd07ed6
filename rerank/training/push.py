"""Upload a model's folder to the Hugging Face Hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Upload:
    """What is uploaded, or would be: the repository, the files with their sizes in bytes, and the address."""

    repository: str
    private: bool
    files: dict[str, int]
    address: str = ""


def push(folder: Path, repository: str, private: bool = True, forced: bool = False, dry_run: bool = False) -> Upload:
    """Upload a model's folder to `repository` ("org/name"), which is created if it does not exist.

    Only files of the model go: never checkpoints, hashes of training texts, or hidden files. The token is
    huggingface_hub's own (HF_TOKEN or its login). With `dry_run`, nothing is sent. Raises ModelError if the folder is
    not a model, the gate did not pass and it is not `forced`, or the upload fails.
    """
    raise NotImplementedError
