"""The two stages: distil the bi-encoder's cosines, then learn from judgements."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax
from transformers import BertForSequenceClassification

from .groups import Group, Sampler
from .model import pad, score
from .settings import SEED, StageSettings, TeacherSettings

LOOK_FOR_SOURCES = 25  # steps
CHECKPOINT_SECONDS = 240.0


@dataclass(slots=True)
class Progress:
    """What a stage has done: steps, tokens, seconds; and its losses over time."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[dict[str, float]] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """Runs one stage, and resumes from its checkpoint if there is one."""

    def __init__(self, student: BertForSequenceClassification, stage: StageSettings, work: Path) -> None:
        """Create the optimizer; word embeddings stay frozen."""
        self.student, self.stage, self.progress = student, stage, Progress()
        self.path = work / f"{stage.name}.checkpoint.pt"
        student.bert.embeddings.word_embeddings.weight.requires_grad_(False)  # so that rare words keep general vectors
        trained = [p for p in student.parameters() if p.requires_grad]
        flat = [p for p in trained if p.ndim == 1]
        deep = [p for p in trained if p.ndim > 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": deep, "weight_decay": stage.weight_decay}, {"params": flat, "weight_decay": 0.0}],
            lr=stage.learning_rate,
        )
        if self.path.exists():
            self._resume()

    def run(self, sampler: Sampler) -> Progress:
        """Train until the token budget is spent; return the progress."""
        saved, recent = time.monotonic(), []
        while self.progress.tokens < self.stage.token_budget:
            if not sampler.ready or self.progress.step % LOOK_FOR_SOURCES == 0:
                self._note_sources(sampler.refresh())
            started = time.monotonic()
            random = np.random.default_rng([SEED, self.stage.max_tokens, self.progress.step])
            recent.append(self._step(sampler.draw(self.stage, random)))
            self.progress.seconds += time.monotonic() - started
            if self.progress.step % LOOK_FOR_SOURCES == 0:
                self._note_loss(recent)
                recent = []
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self.save()
                saved = time.monotonic()
        self.save()
        return self.progress

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state = {
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": self.progress,
        }
        part = self.path.with_suffix(".part")
        torch.save(state, part)
        part.rename(self.path)

    def _resume(self) -> None:
        state = torch.load(self.path, weights_only=False)
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = state["progress"]

    def _step(self, groups: list[Group]) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.stage.learning_rate * self._schedule()
        logits, tokens = forward(self.student, groups, self.stage)
        loss = group_loss(logits, groups, self.stage)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        trained = [p for p in self.student.parameters() if p.requires_grad]
        torch.nn.utils.clip_grad_norm_(trained, self.stage.clip)
        self.optimizer.step()
        self.progress.step += 1
        self.progress.tokens += tokens
        return float(loss.detach())

    def _schedule(self) -> float:
        done = self.progress.tokens / self.stage.token_budget
        return min((done + 1e-3) / self.stage.warm_up, max(1.0 - done, 0.0) / (1 - self.stage.warm_up))

    def _note_sources(self, names: list[str]) -> None:
        known = self.progress.sources[-1]["ready"] if self.progress.sources else []
        if names != known:
            self.progress.sources.append({"step": self.progress.step, "ready": names})

    def _note_loss(self, recent: list[float]) -> None:
        p = self.progress
        row = {
            "step": p.step,
            "tokens": p.tokens,
            "seconds": round(p.seconds, 1),
            "loss": round(float(np.mean(recent)), 4),
        }
        p.losses.append(row)
        print(json.dumps(row), f"{p.tokens / p.seconds:.0f} tokens/s", flush=True)


def forward(student: BertForSequenceClassification, groups: list[Group], stage: StageSettings) -> tuple[Tensor, int]:
    """Return logits (groups, group_size), float32, and the number of tokens read.

    Pairs of similar length share a micro-batch, so that there is little padding.
    """
    pairs = [(group.query, passage) for group in groups for passage in group.passages]
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
    parts, tokens = [], 0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(order), stage.micro_batch):
            chosen = [pairs[i] for i in order[start : start + stage.micro_batch]]
            ids, types, mask = pad(chosen, stage.max_tokens)
            parts.append(score(student, ids, types, mask))
            tokens += int(mask.sum())
    place = torch.tensor(order).argsort()
    return torch.cat(parts)[place].view(len(groups), -1), tokens


def group_loss(logits: Tensor, groups: list[Group], stage: StageSettings) -> Tensor:
    """Return the mean loss of the groups, a scalar.

    KL of the teacher's softmax (Hinton et al. 2015) over 20 x cosine, the squared error
    of logits centred on their group, and cross-entropy on the label if there is one.
    """
    cosines = torch.from_numpy(np.stack([group.cosines for group in groups]))
    target = TeacherSettings().scale * cosines  # (groups, group_size)
    loss = stage.teacher_weight * kl_div(log_softmax(logits, 1), softmax(target, 1), reduction="batchmean")
    if stage.centred_weight:
        centred = logits - logits.mean(1, keepdim=True)
        wanted = target - target.mean(1, keepdim=True)
        loss = loss + stage.centred_weight * (centred - wanted).square().mean()
    labels = torch.tensor([group.label for group in groups])
    if stage.label_weight and bool((labels >= 0).any()):
        kept = labels >= 0
        share = kept.float().mean()
        loss = loss + stage.label_weight * share * cross_entropy(logits[kept], labels[kept])
    return loss
