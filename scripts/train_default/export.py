"""Export the student to ONNX: first float32, then int8."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from transformers import BertForSequenceClassification

from .model import score
from .quantize import Quantized, quantize_linears, quantize_word_table

OPSET = 17
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Exported(nn.Module):
    """The exported forward pass: ids, mask and types, (pairs, tokens) int64, to logits (pairs, 1)."""

    def __init__(self, student: BertForSequenceClassification) -> None:
        """Wrap the student."""
        super().__init__()
        self.student = student

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the logits (pairs, 1), float32."""
        return score(self.student, input_ids, token_type_ids, attention_mask)[:, None]


def export_float32(student: BertForSequenceClassification, path: Path) -> None:
    """Write the student as float32 ONNX with dynamic batch and sequence."""
    ids = torch.randint(1000, 2000, (2, 17))
    example = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    axes = {name: {0: "batch", 1: "sequence"} for name in INPUTS} | {"logits": {0: "batch"}}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Exported(student).eval(),
            example,
            str(path),
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def export_int8(float32: Path, path: Path, layers: list[Quantized]) -> None:
    """Write the int8 model: its word table and the encoder's matrix products are int8."""
    model = onnx.load(float32)
    quantize_word_table(model)
    quantize_linears(model, layers)
    onnx.save(model, path)
