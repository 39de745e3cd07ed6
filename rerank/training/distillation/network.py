"""The forward pass of a model in training: logits, and the states of the layers where the model is a BERT.

For a BERT it computes what `BertForSequenceClassification.forward` computes, but the last layer only at [CLS], the only
position that the head reads; this saves a part of the work. Other architectures run as transformers runs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from resift.rerank.training.distillation.loading import is_bert


@dataclass(frozen=True, slots=True)
class Forward:
    """What a model computes of a batch.

    `logits`: (pairs,). `states`: the states after the embeddings and after each layer, each (pairs, tokens, width); the
    last one only at [CLS], (pairs, 1, width). Empty for a model that is not a BERT.
    """

    logits: Tensor
    states: list[Tensor]


def forward(model: Any, batch: Mapping[str, Tensor]) -> Forward:  # noqa: ANN401
    """Return the logits and the states of `batch`: ids, mask and types of tokens, each (pairs, tokens)."""
    if not is_bert(model):
        named = {name: batch[name] for name in input_names(model)}
        return Forward(model(**named).logits[:, 0].float(), [])
    states = [embed(model, batch)]
    bias = attention_bias(batch["attention_mask"])
    layers = list(model.bert.encoder.layer)
    for layer in layers[:-1]:
        states.append(run_layer(layer, states[-1], states[-1], bias))
    states.append(run_layer(layers[-1], states[-1][:, :1], states[-1], bias))
    pooled = torch.tanh(model.bert.pooler.dense(states[-1][:, 0]))
    return Forward(model.classifier(pooled)[:, 0].float(), states)


def input_names(model: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Return which of the tensors of a batch `model` reads."""
    import inspect

    read = inspect.signature(model.forward).parameters
    typed = getattr(model.config, "type_vocab_size", 0) > 1 and "token_type_ids" in read
    return ("input_ids", "attention_mask", "token_type_ids") if typed else ("input_ids", "attention_mask")


def embed(model: Any, batch: Mapping[str, Tensor]) -> Tensor:  # noqa: ANN401
    """Return the states before the first layer of a BERT, (pairs, tokens, width)."""
    states: Tensor = model.bert.embeddings(input_ids=batch["input_ids"], token_type_ids=batch["token_type_ids"])
    return states


def attention_bias(mask: Tensor) -> Tensor:
    """Return what is added to the attention's logits, (pairs, 1, 1, tokens): 0 at tokens, -10,000 at padding."""
    return torch.zeros(mask.shape, device=mask.device).masked_fill(mask == 0, -1e4)[:, None, None, :]


def run_layer(layer: Any, targets: Tensor, states: Tensor, bias: Tensor) -> Tensor:  # noqa: ANN401
    """Return the states after `layer` at the places `targets`, (pairs, targets, width), which attend to `states`."""
    attended = attend(layer, targets, states, bias)
    made: Tensor = layer.output.LayerNorm(layer.output.dense(layer.intermediate(attended)) + attended)
    return made


def attend(layer: Any, targets: Tensor, states: Tensor, bias: Tensor) -> Tensor:  # noqa: ANN401
    """Return the states after the attention of `layer` at the places `targets`, (pairs, targets, width)."""
    attention, count = layer.attention.self, layer.attention.self.num_attention_heads
    query = _heads(attention.query(targets), count)
    key, value = _heads(attention.key(states), count), _heads(attention.value(states), count)
    # plain products: the backward pass of torch's fused attention is 1.6 times slower on a CPU
    weights = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)  # (pairs, heads, targets, tokens)
    mixed = torch.softmax(weights + bias.to(weights.dtype), 3) @ value
    joined = mixed.transpose(1, 2).flatten(2)  # (pairs, targets, width)
    made: Tensor = layer.attention.output.LayerNorm(layer.attention.output.dense(joined) + targets)
    return made


def _heads(states: Tensor, count: int) -> Tensor:
    pairs, tokens, width = states.shape
    return states.view(pairs, tokens, count, width // count).transpose(1, 2)  # (pairs, heads, tokens, width / heads)
