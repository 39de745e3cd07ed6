"""The parts of the forward pass of a BERT of transformers, at all places of a text or only at some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def embed(model: Any, batch: Mapping[str, Tensor]) -> Tensor:  # noqa: ANN401
    """Return the states before the first layer, (pairs, tokens, width), of the ids and, if it has any, the types."""
    states: Tensor = model.bert.embeddings(input_ids=batch["input_ids"], token_type_ids=batch.get("token_type_ids"))
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
