"""Fit the layers of a reduced student to the states of its teacher in closed form, before any training.

Each layer of the student takes over what several layers of the teacher do: its attention is that of a layer in their
middle, its feed-forward part that of the last of them. (With the published 12-layer teacher, the logits of four layers
made so correlate with the teacher's by 0.91 after the fit; with both parts of the last layer, or the attention of the
first, by 0.74.) The output projection, the second matrix of the feed-forward part, is the solution of a ridge
regression: of the hidden units of that part, computed on the student's own states so far, on what is missing to the
teacher's states (before the last normalization). The layers are fitted from the lowest one up, so that each makes up
for the errors of those below. The penalty draws the solution to the copied matrix instead of to zero. Source of the
estimator: Hoerl and Kennard 1970, "Ridge Regression".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from resift.rerank.training.bert_layers import attend, attention_bias, embed
from resift.rerank.training.distillation.batches import Batch

PENALTY = 3e-3
"""The ridge penalty, as a share of the mean of the diagonal of the hidden units' moments."""

CLS_WEIGHT_OF_FIT = 30.0
"""The weight of [CLS] in the last layer, whose state there is all that the head reads."""


@torch.no_grad()
def refit(
    student: Any,  # noqa: ANN401 - transformers is untyped
    teacher: Any,  # noqa: ANN401
    matched: Sequence[int],
    batches: Sequence[Batch],
    done: Callable[[int], None] = lambda layers: None,
) -> list[float]:
    """Fit `student`, a BERT that was made of layers of `teacher`, in place; return what stays unexplained per layer.

    `matched` has for each of its layers the layer of the teacher, from 0, whose states it is fitted to, and whose
    feed-forward part it begins with. The values are those of `unexplained`. `done` is called with the number of
    layers fitted.
    """
    aims = [_sums(teacher, batch, matched) for batch in batches]
    biases = [attention_bias(batch["attention_mask"]) for batch in batches]
    states = [embed(student, batch) for batch in batches]
    found = []
    for place, layer in enumerate(student.bert.encoder.layer):
        whole = teacher.bert.encoder.layer[matched[place]]
        layer.intermediate.load_state_dict(whole.intermediate.state_dict())
        layer.output.load_state_dict(whole.output.state_dict())
        norm = whole.output.LayerNorm
        last = place == len(matched) - 1
        kept: list[tuple[Tensor, Tensor]] = []
        for one, bias in zip(states, biases, strict=True):
            attended = attend(layer, one, one, bias)
            kept.append((attended, layer.intermediate(attended)))
        masks = [batch["attention_mask"] for batch in batches]
        _solve(layer.output.dense, kept, [aim[place] for aim in aims], masks, CLS_WEIGHT_OF_FIT if last else 1.0)
        states = [layer.output.LayerNorm(layer.output.dense(inner) + attended) for attended, inner in kept]
        found.append(_share(states, [norm(aim[place]) for aim in aims], masks))
        done(place + 1)
    return found


@torch.no_grad()
def unexplained(student: Any, teacher: Any, matched: Sequence[int], batches: Sequence[Batch]) -> list[float]:  # noqa: ANN401
    """Return for each layer of `student` the share of the variance of the teacher's states that its states miss.

    `matched` has the layers of `teacher` that they are compared with. 0 is a perfect copy; 1 is no better than the
    mean of the teacher's states over all tokens.
    """
    masks = [batch["attention_mask"] for batch in batches]
    norms = [teacher.bert.encoder.layer[layer].output.LayerNorm for layer in matched]
    aims = [[norm(one) for norm, one in zip(norms, _sums(teacher, b, matched), strict=True)] for b in batches]
    own = [_sums(student, batch, range(len(matched))) for batch in batches]
    shares = []
    for place, layer in enumerate(student.bert.encoder.layer):
        states = [layer.output.LayerNorm(one[place]) for one in own]
        shares.append(_share(states, [aim[place] for aim in aims], masks))
    return shares


def _sums(model: Any, batch: Batch, layers: Sequence[int]) -> list[Tensor]:  # noqa: ANN401
    """Return what the last normalization of each of `layers` reads, each (pairs, tokens, width)."""
    states, bias = embed(model, batch), attention_bias(batch["attention_mask"])
    found: dict[int, Tensor] = {}
    for number, layer in enumerate(model.bert.encoder.layer):
        attended = attend(layer, states, states, bias)
        total = layer.output.dense(layer.intermediate(attended)) + attended
        states = layer.output.LayerNorm(total)
        if number in layers:
            found[number] = total
    return [found[layer] for layer in layers]


def _solve(
    dense: Any,  # noqa: ANN401
    kept: Sequence[tuple[Tensor, Tensor]],
    aims: Sequence[Tensor],
    masks: Sequence[Tensor],
    first_token: float,
) -> None:
    """Set weight and bias of `dense` so that, applied to the hidden units, it gives what `aims` add to the attention.

    `kept` has the states after the attention, (pairs, tokens, width), and the hidden units, (pairs, tokens, units).
    """
    copied = torch.cat([dense.weight.T, dense.bias[None]]).double()  # (units + 1, width)
    moments = torch.zeros(len(copied), len(copied), dtype=torch.float64, device=copied.device)
    products = torch.zeros_like(copied)
    for (attended, inner), aim, mask in zip(kept, aims, masks, strict=True):
        weight = mask.to(inner.dtype)
        weight[:, 0] *= first_token
        root = weight[mask.bool()].sqrt()[:, None]  # (tokens, 1)
        read = torch.cat([inner[mask.bool()], torch.ones_like(root)], 1) * root  # (tokens, units + 1)
        moments += (read.T @ read).double()
        products += (read.T @ ((aim - attended)[mask.bool()] * root)).double()
    ridge = PENALTY * moments.diagonal().mean()
    identity = torch.eye(len(copied), dtype=torch.float64, device=copied.device)
    solution = torch.linalg.solve(moments + ridge * identity, products + ridge * copied)
    dense.weight.copy_(solution[:-1].T.to(dense.weight.dtype))
    dense.bias.copy_(solution[-1].to(dense.bias.dtype))


def _share(states: Sequence[Tensor], aims: Sequence[Tensor], masks: Sequence[Tensor]) -> float:
    """Return the squared error of `states` over the variance of `aims`, at the tokens of `masks`."""
    made = torch.cat([one[mask.bool()] for one, mask in zip(states, masks, strict=True)])
    wanted = torch.cat([one[mask.bool()] for one, mask in zip(aims, masks, strict=True)])
    return float((made - wanted).square().sum() / (wanted - wanted.mean(0)).square().sum())
