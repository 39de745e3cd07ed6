"""The student: three layers of all-MiniLM-L6-v2 as a BertForSequenceClassification.

:func:`score` computes what ``BertForSequenceClassification.forward`` computes, but the
last layer only at [CLS], the only position that the head reads; this saves a quarter of
the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from transformers import BertConfig, BertForSequenceClassification
from transformers.models.bert.modeling_bert import BertLayer, BertPooler

from .settings import LAYERS
from .teacher import backbone_folder

CLS, SEP = 101, 102


def new_student(seed: int) -> BertForSequenceClassification:
    """Return the untrained student: the backbone's first layers and a new classifier."""
    torch.manual_seed(seed)
    folder = backbone_folder()
    config = BertConfig.from_pretrained(folder, num_hidden_layers=LAYERS, num_labels=1, id2label={0: "LABEL_0"})
    student = BertForSequenceClassification.from_pretrained(folder, config=config, dtype=torch.float32)
    student.train(False)  # no dropout: one pass over much data does not need it
    return student


def load_student(folder: Path) -> BertForSequenceClassification:
    """Return a saved student in float32."""
    student: BertForSequenceClassification = BertForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    student.train(False)
    return student


def score(student: BertForSequenceClassification, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
    """Return the logits (pairs,) of padded pairs (pairs, tokens); mask is 1 at tokens."""
    bert = student.bert
    states = bert.embeddings(input_ids=ids, token_type_ids=types)  # (pairs, tokens, 384)
    seen = mask.bool()[:, None, None, :]  # (pairs, 1, 1, tokens)
    *lower, last = cast(list[BertLayer], list(bert.encoder.layer))
    head = cast(BertPooler, bert.pooler)
    for layer in lower:
        states = _attend(layer, states, states, seen)
    first = _attend(last, states[:, :1], states, seen)  # (pairs, 1, 384)
    pooled = torch.tanh(head.dense(first[:, 0]))
    logits: Tensor = student.classifier(pooled.float())  # (pairs, 1)
    return logits[:, 0].float()


def pad(pairs: list[tuple[list[int], list[int]]], limit: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return ids, types and mask, each (pairs, tokens) int64; only the document is truncated.

    >>> ids, types, mask = pad([([7], [8, 9]), ([7], [8])], 512)
    >>> ids.tolist(), types.tolist()
    ([[101, 7, 102, 8, 9, 102], [101, 7, 102, 8, 102, 0]], [[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0]])
    """
    lengths = [(len(q), min(len(d), limit - 3 - len(q))) for q, d in pairs]
    width = max(q + d for q, d in lengths) + 3
    ids, types, mask = (np.zeros((len(pairs), width), np.int64) for _ in range(3))
    for row, ((query, document), (q, d)) in enumerate(zip(pairs, lengths, strict=True)):
        ids[row, : q + d + 3] = [CLS, *query, SEP, *document[:d], SEP]
        types[row, q + 2 : q + d + 3] = 1
        mask[row, : q + d + 3] = 1
    return torch.from_numpy(ids), torch.from_numpy(types), torch.from_numpy(mask)


def _attend(layer: BertLayer, targets: Tensor, states: Tensor, seen: Tensor) -> Tensor:
    attention = layer.attention.self
    query = _heads(attention.query(targets), attention.num_attention_heads)
    key = _heads(attention.key(states), attention.num_attention_heads)
    value = _heads(attention.value(states), attention.num_attention_heads)
    # Plain products: the backward pass of PyTorch's fused attention is 1.6 times slower on a CPU.
    weights = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
    hidden = torch.zeros_like(seen, dtype=weights.dtype).masked_fill(~seen, -1e4)
    mixed = torch.softmax(weights + hidden, 3, dtype=weights.dtype) @ value
    joined = mixed.transpose(1, 2).flatten(2)  # (pairs, targets, 384)
    attended = layer.attention.output.LayerNorm(layer.attention.output.dense(joined) + targets)
    inner = layer.intermediate(attended)
    made: Tensor = layer.output.LayerNorm(layer.output.dense(inner) + attended)
    return made


def _heads(states: Tensor, count: int) -> Tensor:
    pairs, tokens, width = states.shape
    return states.view(pairs, tokens, count, width // count).transpose(1, 2)  # (pairs, heads, tokens, 32)
