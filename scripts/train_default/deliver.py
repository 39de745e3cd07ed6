"""Build the delivered folder: weights, tokenizer, configuration, card and manifest."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertForSequenceClassification

from .card import card
from .export import export_float32, export_int8
from .groups import Sampler, draw_distilled
from .model import pad
from .quantize import observe, quantize_layer
from .settings import EVALUATION_TOKENS, LAYERS, SEED, SOURCE_ORDER, STAGES, TeacherSettings
from .sources import sha256, source_files
from .teacher import backbone_folder
from .train import Progress

LIBRARIES = ("torch", "transformers", "tokenizers", "onnx", "onnxruntime", "numpy", "bm25s", "PyStemmer")
GROUPS_A_SOURCE = 6


def deliver(student: BertForSequenceClassification, sampler: Sampler, work: Path, folder: Path) -> None:
    """Write the model's files to ``folder``: all except the card and the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    float32 = work / "model-float32.onnx"
    export_float32(student, float32)
    layers = [quantize_layer(observed) for observed in observe(student, calibration(sampler))]
    export_int8(float32, folder / "model.onnx", layers)
    write_configuration(student, folder)


def calibration(sampler: Sampler) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return training pairs of every source, which determine the ranges of the activations."""
    sampler.refresh()
    random = np.random.default_rng(SEED)
    batches: list[tuple[Tensor, Tensor, Tensor]] = []
    for prepared in sampler.ready.values():
        for _ in range(GROUPS_A_SOURCE):
            group = draw_distilled(prepared, int(random.integers(len(prepared.queries))), 8, random)
            pairs = [(group.query, passage) for passage in group.passages]
            batches.extend(
                pad([pair], EVALUATION_TOKENS) for pair in pairs
            )  # one per batch, so that no padding is observed
    return batches


def save_float32(student: BertForSequenceClassification, folder: Path) -> None:
    """Write the student as transformers does: safetensors, configuration, tokenizer."""
    student.save_pretrained(folder)
    write_configuration(student, folder)


def write_configuration(student: BertForSequenceClassification, folder: Path) -> None:
    """Write config.json, tokenizer.json and tokenizer_config.json."""
    config = student.config.to_dict()
    for unused in ("_name_or_path", "gradient_checkpointing"):
        config.pop(unused, None)
    config |= {
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "sentence_transformers": {
            "activation_fn": "torch.nn.modules.linear.Identity",
            "max_length": EVALUATION_TOKENS,
        },
    }
    write_json(folder / "config.json", config)
    tokenizer = Tokenizer.from_file(str(backbone_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    tokenizer_config = json.loads((backbone_folder() / "tokenizer_config.json").read_text())
    tokenizer_config.pop("name_or_path", None)
    write_json(folder / "tokenizer_config.json", tokenizer_config | {"model_max_length": EVALUATION_TOKENS})


def manifest(shared: Path, folder: Path, stages: dict[str, Progress], measured: dict[str, Any]) -> dict[str, Any]:
    """Return everything needed to reproduce the weights: data, settings, progress of the training, and figures."""
    files = [path for name in SOURCE_ORDER for path in source_files(shared, name)]
    backbone = backbone_folder() / "model.safetensors"
    return {
        "seed": SEED,
        "backbone": {"name": "sentence-transformers/all-MiniLM-L6-v2", "sha256": sha256(backbone)},
        "data": {path.relative_to(shared).as_posix(): sha256(path) for path in files},
        "teacher": asdict(TeacherSettings()),
        "stages": {name: asdict(STAGES[name]) | asdict(stages[name]) for name in stages},
        "libraries": {name: version(name) for name in LIBRARIES},
        "model": {
            "sha256": sha256(folder / "model.onnx"),
            "bytes": (folder / "model.onnx").stat().st_size,
            "layers": LAYERS,
            "max_length": EVALUATION_TOKENS,
        },
        **measured,
    }


def write_papers(shared: Path, folder: Path, stages: dict[str, Progress], measured: dict[str, Any]) -> None:
    """Write training.json and the model card."""
    written = manifest(shared, folder, stages, measured)
    write_json(folder / "training.json", written)
    (folder / "README.md").write_text(card(written), encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write JSON with an indent of one space."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_progress(work: Path) -> dict[str, Progress]:
    """Return what each stage with a checkpoint has done."""
    found = {name: work / f"{name}.checkpoint.pt" for name in STAGES}
    return {name: torch.load(path, weights_only=False)["progress"] for name, path in found.items() if path.exists()}
