"""A small cross-encoder, a copy of it that was made worse on purpose, and dev sets that the first one orders well."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from resift import load_scorer
from tests.rerank.scorers.small_models import save_family, sentences


def save_good(folder: Path) -> Path:
    """Save a small cross-encoder; what it scores highest is relevant by the definition of `labelled_lists`."""
    return save_family("minilm", folder)


def flip(model: Path, folder: Path) -> Path:
    """Copy a model, and turn the sign of its classifier: it puts last what the other puts first."""
    shutil.copytree(model, folder)
    weights = load_file(folder / "model.safetensors")
    flipped = {name: -value if name.startswith("classifier.") else value for name, value in weights.items()}
    save_file(flipped, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def nudge(model: Path, folder: Path) -> Path:
    """Copy a model, and change its last layer so little that hardly any order changes."""
    shutil.copytree(model, folder)
    weights = load_file(folder / "model.safetensors")
    changed = {name: value * 1.001 if name.startswith("classifier.") else value for name, value in weights.items()}
    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def labelled_lists(model: Path, queries: int, documents: int = 6, seed: int = 3) -> list[dict[str, object]]:
    """Return examples of random texts; of each list, the document that `model` scores highest is the relevant one."""
    scorer = load_scorer(str(model))
    texts = sentences(queries * documents, seed=seed, shortest=6, longest=12)
    rows: list[dict[str, object]] = []
    for place, query in enumerate(sentences(queries, seed=seed + 1, shortest=3, longest=6)):
        own = [f"{text} number {place}" for text in texts[place * documents : (place + 1) * documents]]
        query = f"{query} {place}"
        logits = scorer.score([(query, text) for text in own]).logits
        labels = [int(logit == np.max(logits)) for logit in logits]
        rows.append({"query": query, "documents": own, "labels": labels})
    return rows


def write_lines(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
