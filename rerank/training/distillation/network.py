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

from resift.rerank.training.bert_layers import attention_bias, embed, run_layer
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
