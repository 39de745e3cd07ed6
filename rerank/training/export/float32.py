"""Export a torch cross-encoder to float32 ONNX, for any number of pairs and tokens."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertForSequenceClassification

from resift.rerank.training.bert_layers import attention_bias, embed, run_layer

OPSET = 17


def export_float32(model: Any, inputs: tuple[str, ...], path: Path) -> None:  # noqa: ANN401 - transformers is untyped
    """Write `model`, a sequence classifier of transformers with one label in evaluation mode, as ONNX to `path`.

    `inputs` are the names of the graph's inputs, each int64 (rows, tokens); its output is "logits" (rows, 1). The graph
    of a BERT computes its last layer only at [CLS], the only place that the head reads.
    """
    ids = torch.randint(3, min(1000, int(model.config.vocab_size)), (2, 17))
    example = {name: torch.ones_like(ids) if name == "attention_mask" else torch.zeros_like(ids) for name in inputs}
    axes = {name: {0: "rows", 1: "tokens"} for name in inputs} | {"logits": {0: "rows"}}
    exported = (
        Whole(model, inputs) if not isinstance(model, BertForSequenceClassification) else FirstToken(model, inputs)
    )
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the exporter's own deprecations and advice on tracing
        torch.onnx.export(
            exported.eval(),
            tuple((example | {"input_ids": ids}).values()),
            str(path),
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


class Whole(nn.Module):
    """The forward pass of any model, with its inputs by position."""

    def __init__(self, model: Any, inputs: tuple[str, ...]) -> None:  # noqa: ANN401
        """Wrap `model`, whose inputs are `inputs` in this order."""
        super().__init__()
        self.model, self.inputs = model, inputs

    def forward(self, *given: Tensor) -> Tensor:
        """Return the logits (rows, 1), float32."""
        logits: Tensor = self.model(**dict(zip(self.inputs, given, strict=True))).logits
        return logits


class FirstToken(Whole):
    """What `BertForSequenceClassification.forward` computes, but the last layer only at [CLS]."""

    def forward(self, *given: Tensor) -> Tensor:
        """Return the logits (rows, 1), float32."""
        read = dict(zip(self.inputs, given, strict=True))
        states, bias = embed(self.model, read), attention_bias(read["attention_mask"])
        *lower, last = self.model.bert.encoder.layer
        for layer in lower:
            states = run_layer(layer, states, states, bias)  # (rows, tokens, width)
        first = run_layer(last, states[:, :1], states, bias)  # (rows, 1, width)
        logits: Tensor = self.model.classifier(torch.tanh(self.model.bert.pooler.dense(first[:, 0])))
        return logits
