"""One student in training: its optimizer, its part of a step, and its state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.training.distillation.losses import (
    Counts,
    Weights,
    label_error,
    margin_error,
    squared_error,
    states_error,
)
from resift.rerank.training.distillation.network import Forward
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.distillation.students import Student
from resift.retrieval.errors import ModelError

TERMS = ("logits", "margins", "states", "labels", "gradient")
"""The values that a step reports of a student: the mean of each term of the loss, and the norm of the gradient."""


@dataclass(slots=True)
class Collected:
    """What a student has computed of a part of a step: `logits` of its batches, and the error of its states so far."""

    logits: list[Tensor] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Aims:
    """What the logits of a part of a step are compared with, in the order of the pairs that were run, each (pairs,).

    `targets`: the teacher's logits; `queries`: the number of each pair's query; `relevance`: its grade, below 0 if the
    query is not judged.
    """

    targets: Tensor
    queries: Tensor
    relevance: Tensor


class Learner:
    """Trains one student by AdamW."""

    def __init__(self, student: Student, settings: DistillSettings, device: str = "cpu") -> None:
        """Move the student to `device`, and create its optimizer; words are frozen if the settings say so."""
        self.student, self.settings = student, settings
        self.model: Any = student.network.model.to(device)
        self.model.train(False)  # no dropout: it hides from a small model a part of what it is to copy
        self.encoder: PairEncoder = student.network.encoder(settings.pair_tokens)
        self.vocabulary = vocabulary_of(self.encoder)
        if settings.frozen_words:
            self.model.get_input_embeddings().weight.requires_grad_(False)
        self.trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        groups = [
            {"params": [one for one in self.trained if one.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [one for one in self.trained if one.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98))
        self.weights = Weights(
            settings.logit_weight, settings.margin_weight, settings.states_weight, settings.label_weight
        )

    @property
    def compares_states(self) -> bool:
        """Whether the student learns the states of its teacher's layers."""
        return bool(self.student.matched) and self.weights.states > 0

    def collect(self, collected: Collected, made: Forward, teacher: Forward | None, mask: Tensor) -> None:
        """Add what the student made of a batch to `collected`; `teacher` is what its teacher made, if that is known."""
        collected.logits.append(made.logits)
        if self.compares_states and teacher is not None and made.states and teacher.states:
            wanted = [teacher.states[layer + 1] for layer in self.student.matched]
            collected.states.append(states_error(made.states[1:], wanted, mask))

    def backward(self, collected: Collected, aims: Aims, counts: Counts) -> dict[str, float]:
        """Add the gradient of a part of a step, and return its share of each term; `counts` are of the whole step."""
        logits, zero = torch.cat(collected.logits), torch.zeros((), device=aims.targets.device)
        terms = {
            "logits": squared_error(logits, aims.targets) / max(1, counts.logits),
            "margins": margin_error(logits, aims.targets, aims.queries) / max(1, counts.margins),
            "states": (sum(collected.states, zero) if collected.states else zero) / max(1, counts.tokens),
            "labels": zero,
        }
        if self.weights.labels:
            terms["labels"] = label_error(logits, aims.relevance, aims.queries) / max(1, counts.labels)
        loss = sum((getattr(self.weights, name) * term for name, term in terms.items()), zero)
        torch.autograd.backward(loss)
        return {name: float(term.detach()) for name, term in terms.items()}

    def step(self, rate: float) -> float:
        """Change the weights by the gradients, with the learning rate `rate`; return the norm of the gradient.

        `rate` is that of a student that is not fresh. Raises ModelError if the norm is not finite: then the weights
        stay as they are.
        """
        norm = float(torch.nn.utils.clip_grad_norm_(self.trained, self.settings.max_grad_norm or float("inf")))
        if not norm < float("inf"):
            raise ModelError(
                "its gradient is not finite; lower `learning_rate`, and train from the last checkpoint",
                self.student.name,
            )
        for group in self.optimizer.param_groups:
            group["lr"] = rate * self.settings.fresh_rate / self.settings.learning_rate if self.student.fresh else rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm

    def state(self) -> dict[str, Any]:
        """Return the weights and the state of the optimizer."""
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Set what `state` returned. Raises RuntimeError, KeyError or ValueError if it is of another student."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def vocabulary_of(encoder: PairEncoder) -> str:
    """Return a checksum that is equal for encoders that read a pair of texts as the same tokens."""
    content = f"{encoder.pad_id} {encoder.tokenizer.to_str()}"
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()


def count_terms(sizes: Sequence[int], tokens: int, judged: int) -> Counts:
    """Return the counts of a step whose queries have so many documents each, and so many tokens in all.

    >>> count_terms([2, 3], 50, 1)
    Counts(logits=5, margins=8, tokens=50, labels=1)
    """
    return Counts(sum(sizes), sum(size * (size - 1) for size in sizes), tokens, judged)
