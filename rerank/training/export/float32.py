"""Export a torch cross-encoder to float32 ONNX, for any number of pairs and tokens."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import BertForSequenceClassification
from transformers.models.bert.modeling_bert import BertLayer, BertPooler

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
        bert = self.model.bert
        states = bert.embeddings(input_ids=read["input_ids"], token_type_ids=read.get("token_type_ids"))
        mask = read["attention_mask"]
        unseen = torch.zeros(mask.shape).masked_fill(mask == 0, -1e4)[:, None, None, :]  # (rows, 1, 1, tokens)
        *lower, last = cast(list[BertLayer], list(bert.encoder.layer))
        for layer in lower:
            states = run_layer(layer, states, states, unseen)  # (rows, tokens, width)
        first = run_layer(last, states[:, :1], states, unseen)  # (rows, 1, width)
        pooled = torch.tanh(cast(BertPooler, bert.pooler).dense(first[:, 0]))  # (rows, width)
        logits: Tensor = self.model.classifier(pooled)
        return logits


def run_layer(layer: BertLayer, targets: Tensor, states: Tensor, unseen: Tensor) -> Tensor:
    """Return a layer's output at `targets` (rows, some, width), which attend to `states` (rows, tokens, width).

    `unseen` (rows, 1, 1, tokens) is added to the attention before its softmax: 0 at a token, -10,000 at padding.
    """
    attention = layer.attention.self
    query, key, value = (
        heads(linear(read), attention.num_attention_heads)
        for linear, read in ((attention.query, targets), (attention.key, states), (attention.value, states))
    )
    weights = (query * attention.attention_head_size**-0.5) @ key.transpose(2, 3)  # (rows, heads, some, tokens)
    mixed = (torch.softmax(weights + unseen, 3) @ value).transpose(1, 2).flatten(2)  # (rows, some, width)
    attended = layer.attention.output.LayerNorm(layer.attention.output.dense(mixed) + targets)
    made: Tensor = layer.output.LayerNorm(layer.output.dense(layer.intermediate(attended)) + attended)
    return made


def heads(states: Tensor, count: int) -> Tensor:
    """Divide (rows, tokens, width) into (rows, heads, tokens, width / heads)."""
    rows, tokens, width = states.shape
    return states.view(rows, tokens, count, width // count).transpose(1, 2)
