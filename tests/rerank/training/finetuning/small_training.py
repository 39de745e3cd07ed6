"""A small base and small data, on which a training takes about a second."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from resift.rerank.training.finetuning.request import TrainRequest
from resift.rerank.training.finetuning.run import Trained, train
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.finetuning.sources import DataSource
from resift.rerank.training.reports import Reports
from tests.rerank.scorers.small_models import save_family, sentences

SETTINGS = TrainSettings(
    loss="binary-cross-entropy",
    batch_size=16,
    epochs=2.0,
    learning_rate=1e-3,
    eval_steps=4,
    pair_negatives=2,
    held_out=8,
)


def save_base(folder: Path, dropout: float = 0.1) -> Path:
    """Save a BERT with one layer to `folder`, and return it."""
    return save_family(
        "bert",
        folder,
        max_length=48,
        num_hidden_layers=1,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )


def write_pairs(path: Path, count: int = 40) -> Path:
    """Write pairs whose queries are the first words of their documents, and return the path."""
    texts = sentences(count, seed=3, shortest=5, longest=9)
    pairs = [{"query": " ".join(text.split()[:3]), "document": text} for text in texts]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    return path


def write_labelled(path: Path) -> Path:
    """Write 96 labelled pairs, two of each query, and return the path."""
    texts = sentences(48, seed=3, shortest=5, longest=9)
    rows = [
        {"query": f"{' '.join(text.split()[:3])} {place}", "document": document, "label": label}
        for place, text in enumerate(texts)
        for document, label in ((text, 1), (texts[place - 1], 0))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def request(data: Path, base: Path, out: Path, **changes: object) -> TrainRequest:
    """Return the request to train `base` on `data` into `out`, without a measurement of energy."""
    made = TrainRequest((DataSource(str(data)),), out, base=str(base), energy=False)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def run(wanted: TrainRequest, settings: TrainSettings = SETTINGS, reports: Reports | None = None) -> Trained:
    """Train on this process, and return the result."""
    trained = train(wanted, settings, reports)
    assert trained is not None
    return trained


def difference(first: Path, second: Path) -> float:
    """Return the largest difference of two models' weights."""
    one, other = load_file(first / "model.safetensors"), load_file(second / "model.safetensors")
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def distance(first: Path, second: Path, base: Path) -> float:
    """Return how far two models are from each other, as a part of how far the second one moved from its base.

    Sums in another order give other last digits of gradients, and AdamW makes those of gradients near 0 large.
    """
    one, other, began = (load_file(folder / "model.safetensors") for folder in (first, second, base))
    apart = sum(float((one[name] - other[name]).square().sum()) for name in one)
    moved = sum(float((other[name] - began[name]).square().sum()) for name in one)
    return float((apart / moved) ** 0.5)


def is_trained(first: Path, second: Path) -> bool:
    """Return whether two models have different weights everywhere, but for those that a small batch may leave."""
    one, other = load_file(first / "model.safetensors"), load_file(second / "model.safetensors")
    return not any(torch.equal(one[name], other[name]) for name in one if "weight" in name)
