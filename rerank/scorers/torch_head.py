"""An encoder of transformers with a head of several modules of sentence-transformers, as one torch model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from resift.rerank.scorers.head import EMBEDDING, SCORES, HeadModule


@dataclass(frozen=True, slots=True)
class Scored:
    """The output of `HeadedModel`, with the name that transformers gives it: `logits` (rows, 1)."""

    logits: Tensor


class HeadedModel(nn.Module):
    """An encoder, and the modules that turn its last layer into a score."""

    def __init__(self, encoder: Any, head: Head) -> None:  # noqa: ANN401 - transformers is untyped
        """Join `encoder`, a model of transformers without a head, and `head`."""
        super().__init__()
        self.base_model, self.head = encoder, head

    @property
    def config(self) -> Any:  # noqa: ANN401
        """The configuration of the encoder."""
        return self.base_model.config

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the encoder."""
        found: torch.dtype = self.base_model.dtype
        return found

    def get_input_embeddings(self) -> Any:  # noqa: ANN401
        """Return the encoder's table of words."""
        return self.base_model.get_input_embeddings()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Scored:
        """Return the logits of a batch whose tensors are int64 (rows, tokens); it is padded on the right."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.base_model(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state
        return Scored(self.head(states, attention_mask))


class Head(nn.Module):
    """Modules that are applied in turn; each reads and writes a named value, as in sentence-transformers."""

    def __init__(self, modules: tuple[HeadModule, ...]) -> None:
        """Make the modules, with random weights."""
        super().__init__()
        self.parts = nn.ModuleList([MODULES[module.kind](module) for module in modules])
        self.names = [(module.source, module.result) for module in modules]

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the scores (rows, 1) of `states` (rows, tokens, width); `mask` (rows, tokens) is 1 at tokens."""
        values = {"token_embeddings": states}
        for part, (source, result) in zip(self.parts, self.names, strict=True):
            if isinstance(part, Pooling):
                values[EMBEDDING] = part(states, mask)
            else:
                values[result] = part(values[source])
        return values[SCORES]


class Pooling(nn.Module):
    """One vector for a pair: each mode's, side by side."""

    def __init__(self, module: HeadModule) -> None:
        """Take the modes of `module`."""
        super().__init__()
        self.modes = module.poolings

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the pooled `states` (rows, tokens, width): (rows, modes * width)."""
        return torch.cat([POOLS[mode](states, mask.unsqueeze(-1).to(states.dtype)) for mode in self.modes], 1)


class Dense(nn.Module):
    """A linear layer with an activation, and its input added to the result if the module says so."""

    def __init__(self, module: HeadModule) -> None:
        """Make the layer that `module` describes."""
        super().__init__()
        width, columns = int(module.config["in_features"]), int(module.config["out_features"])
        self.linear = nn.Linear(width, columns, bias=bool(module.config.get("bias", True)))
        self.activation = getattr(nn, module.activation)()
        self.use_residual = bool(module.config.get("use_residual", False))
        if self.use_residual and width != columns:
            self.residual = nn.Linear(width, columns, bias=False)

    def forward(self, given: Tensor) -> Tensor:
        """Return (rows, columns) for (rows, width)."""
        made: Tensor = self.activation(self.linear(given))
        if not self.use_residual:
            return made
        return made + (self.residual(given) if hasattr(self, "residual") else given)


class LayerNorm(nn.Module):
    """A normalization with a weight and a bias for each channel."""

    def __init__(self, module: HeadModule) -> None:
        """Make the normalization that `module` describes."""
        super().__init__()
        self.norm = nn.LayerNorm(int(module.config["dimension"]))

    def forward(self, given: Tensor) -> Tensor:
        """Return (rows, width) for (rows, width)."""
        made: Tensor = self.norm(given)
        return made


class Normalize(nn.Module):
    """Vectors of length 1."""

    def __init__(self, module: HeadModule) -> None:
        """Make it; `module` has nothing that changes it."""
        super().__init__()

    def forward(self, given: Tensor) -> Tensor:
        """Return (rows, width) for (rows, width)."""
        return nn.functional.normalize(given, p=2, dim=-1)


class Unchanged(nn.Module):
    """What Dropout does when a model scores: nothing."""

    def __init__(self, module: HeadModule) -> None:
        """Make it; `module` has nothing that changes it."""
        super().__init__()

    def forward(self, given: Tensor) -> Tensor:
        """Return what was given."""
        return given


MODULES: dict[str, Callable[[HeadModule], nn.Module]] = {
    "Pooling": Pooling,
    "Dense": Dense,
    "LayerNorm": LayerNorm,
    "Normalize": Normalize,
    "Dropout": Unchanged,
}
"""Kind of a module -> the class that computes it."""


def _cls(states: Tensor, mask: Tensor) -> Tensor:
    return states[:, 0]


def _max(states: Tensor, mask: Tensor) -> Tensor:
    return states.masked_fill(mask == 0, float("-inf")).max(1).values


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)


def _mean_of_root(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9).sqrt()


def _weighted_mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask * torch.arange(1, states.shape[1] + 1, device=states.device, dtype=states.dtype)[None, :, None]
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def _last(states: Tensor, mask: Tensor) -> Tensor:
    last = mask[:, :, 0].sum(1).long().clamp(min=1) - 1  # (rows,)
    return states[torch.arange(len(states), device=states.device), last]


POOLS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": _cls,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_of_root,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
"""Mode of a Pooling -> its function of states (rows, tokens, width) and mask (rows, tokens, 1), to (rows, width)."""
