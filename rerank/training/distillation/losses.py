"""The losses of a distillation, as sums over one part of a step, with the counts by which they are divided.

The library's losses (MSELoss and MarginMSELoss of sentence-transformers) read pairs or triplets and leave the states of
the layers out; here all documents of a query are compared, and one pass of a model serves every term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CLS_WEIGHT = 8.0
"""The weight of [CLS] among the tokens of a layer."""

LAST_LAYER = 80.0
"""What the state of [CLS] in the last layer counts per token: there it is all that the head reads."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the terms of a loss."""

    logits: float = 0.05
    margins: float = 0.05
    states: float = 1.0
    labels: float = 0.0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items the terms of a whole step sum over: logits, ordered pairs, tokens, queries with judgements."""

    logits: int
    margins: int
    tokens: int
    labels: int


def squared_error(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the sum of the squared differences of logits and the teacher's, both (pairs,); MSE before its division."""
    return (logits - targets).square().sum()


def margin_error(logits: Tensor, targets: Tensor, queries: Tensor) -> Tensor:
    """Return the sum, over ordered pairs of documents of one query, of the squared error of their difference.

    All three are (pairs,); `queries` has the number of each pair's query. Source: margin-MSE of Hofstätter et al. 2020,
    "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation", equation 3, over all
    pairs of documents instead of one relevant and one other.

    >>> one = torch.tensor([3.0, 1.0])
    >>> float(margin_error(one, torch.tensor([1.0, 0.0]), torch.tensor([0, 0])))
    2.0
    """
    error = logits - targets
    same = queries[:, None] == queries[None, :]
    return ((error[:, None] - error[None, :]).square() * same).sum()


def states_error(own: Sequence[Tensor], teachers: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Return the weighted sum over tokens and layers of the mean squared error of the states.

    `own` and `teachers` have the states of corresponding layers, each (pairs, tokens, width); the last of `own` is
    (pairs, 1, width), at [CLS], and only this place of the teacher's is read. `mask` is (pairs, tokens).
    """
    weight = mask.to(own[0].dtype)
    weight[:, 0] = CLS_WEIGHT
    total = own[0].new_zeros(())
    for made, wanted in zip(own[:-1], teachers[:-1], strict=True):
        total = total + ((made - wanted).square().mean(2) * weight).sum()
    return total + LAST_LAYER * (own[-1][:, :1] - teachers[-1][:, :1]).square().mean(2).sum()


def label_error(logits: Tensor, relevance: Tensor, queries: Tensor) -> Tensor:
    """Return the sum over judged queries of the cross-entropy of their relevant documents against all.

    All are (pairs,); `relevance` is above 0 for relevant documents, and below 0 in queries without judgements. Of
    several relevant documents the mean counts. Source: ListNet's top-one cross-entropy, Cao et al. 2007.
    """
    total = logits.new_zeros(())
    for query in torch.unique(queries):
        inside = queries == query
        relevant = relevance[inside] > 0
        if bool(relevant.any()):
            total = total - torch.log_softmax(logits[inside], 0)[relevant].mean()
    return total
