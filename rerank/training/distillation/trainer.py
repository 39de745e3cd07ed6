"""Train several students together on the scores of one teacher, and resume to equal weights after a kill.

Why a loop of its own and not sentence-transformers' CrossEncoderTrainer: the states of the teacher's layers are
compared at every token while they exist, several students share the teacher's pass, the last layer is computed at
[CLS] alone, and a checkpoint restores the draw of the next step.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.training.distillation.agreement import Agreement, agree
from resift.rerank.training.distillation.batches import TokenBatches
from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.drawing import Drawing
from resift.rerank.training.distillation.groups import Group, draw_group, tensors
from resift.rerank.training.distillation.learner import (
    TERMS,
    Aims,
    Collected,
    Learner,
    count_terms,
    vocabulary_of,
)
from resift.rerank.training.distillation.loading import Network
from resift.rerank.training.distillation.network import Forward, forward
from resift.rerank.training.distillation.progress import Progress
from resift.rerank.training.distillation.schedule import Schedule
from resift.rerank.training.distillation.settings import DistillSettings
from resift.retrieval.errors import ModelError, SettingsError

LOG_EVERY = 20
"""Steps between two rows of the log."""

_EVALUATION_PAIRS = 32  # at once


@dataclass(frozen=True, slots=True)
class Online:
    """A teacher that runs during the training, beside the scores: its states are compared, and its logits are targets.

    `targets`: whether its logits, of exactly the tokens that the student reads, replace those of the file, which an
    ensemble may have written.
    """

    network: Network
    targets: bool = True


class Trainer:
    """Trains learners on the lists of a drawing; a checkpoint in a file makes every step repeatable."""

    def __init__(
        self,
        learners: Sequence[Learner],
        drawing: Drawing,
        held_out: Sequence[CandidateList],
        settings: DistillSettings,
        path: Path,
        online: Online | None = None,
    ) -> None:
        """Train `learners` on what `drawing` draws, and measure them on the scored lists `held_out`.

        `path` is the checkpoint; an existing one is resumed. Raises SettingsError if the settings need the teacher's
        scores or its states and there are none, and ModelError if the checkpoint cannot be used.
        """
        self.learners, self.drawing, self.held_out = list(learners), drawing, held_out
        self.settings, self.path, self.online = settings, path, online
        self.device = str(next(self.learners[0].model.parameters()).device)
        self.schedule = Schedule.of(len(drawing.places), settings)
        self.progress = Progress()
        self._sums: list[dict[str, dict[str, float]]] = []
        self._teacher: tuple[Any, str] | None = None
        if online is not None:
            model = online.network.model.to(self.device).eval()
            self._teacher = model, vocabulary_of(online.network.encoder(settings.pair_tokens))
        if settings.lengths and not (online and online.targets):
            raise SettingsError(
                "other lengths than those scored need a single BERT as the teacher; leave them out", "lengths"
            )
        if path.exists():
            self._resume()

    def run(self, done: Callable[[int], None] = lambda pairs: None) -> Progress:
        """Train to the end of the schedule, and return the progress; `done` is called with the number of pairs so far.

        Raises ModelError if a gradient is not finite, CorpusError if a list cannot be read, and OSError if a checkpoint
        cannot be written.
        """
        saved, started = self.progress.seconds, time.monotonic() - self.progress.seconds
        while self.progress.step < self.schedule.steps:
            if self.schedule.measured(self.progress.step):
                self._measure()
            self._step()
            self.progress.seconds = time.monotonic() - started
            done(self.progress.pairs)
            if self.progress.seconds - saved >= self.settings.checkpoint_seconds:
                self.save()
                saved = self.progress.seconds
        self._measure()
        self.save()
        return self.progress

    def agreement(self, learner: Learner) -> Agreement:
        """Return how well a student agrees with the teacher on the held-out queries now."""
        pairs = [(one.query, candidate.text) for one in self.held_out for candidate in one.candidates]
        logits = np.zeros(len(pairs))
        with torch.no_grad():
            for rows, batch in TokenBatches.of(learner.encoder, pairs, _EVALUATION_PAIRS, self.device):
                logits[rows] = forward(learner.model, batch).logits.double().cpu().numpy()
        bounds = np.cumsum([len(one.candidates) for one in self.held_out])[:-1]
        return agree(np.split(logits, bounds), [np.array(one.labels) for one in self.held_out])

    def save(self) -> None:
        """Write the checkpoint: the old one is there until the new one is complete on the disk. Raises OSError."""
        self.progress.cursor = self.drawing.cursor
        state = {
            "progress": self.progress.to_json(),
            "sums": self._sums,
            "students": {learner.student.name: learner.state() for learner in self.learners},
        }
        part = self.path.with_name(self.path.name + ".part")
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)

    def _resume(self) -> None:
        try:
            state = torch.load(self.path, map_location=self.device, weights_only=True)
            for learner in self.learners:
                learner.load(state["students"][learner.student.name])
            self.progress, self._sums = Progress.from_json(state["progress"]), state["sums"]
        except Exception as error:  # torch and pickle raise many kinds
            message = f"the checkpoint cannot be used ({type(error).__name__}: {str(error)[:100]}); remove it to begin"
            raise ModelError(f"{message} the training anew", self.path) from error
        self.drawing.cursor = self.progress.cursor

    def _measure(self) -> None:
        """Add a row to the curve: the agreement of each student, unless this step has one already."""
        rows = self.progress.curve
        if not self.held_out or (rows and rows[-1]["step"] == self.progress.step):
            return
        found = {learner.student.name: self.agreement(learner).to_json() for learner in self.learners}
        rows.append({"step": self.progress.step, "pairs": self.progress.pairs, "students": found})

    def _step(self) -> None:
        step, settings = self.progress.step, self.settings
        random = np.random.default_rng([settings.seed, 5, step])
        tokens, shares = zip(*settings.length_shares(), strict=True)
        length = int(random.choice(tokens, p=shares))
        lists = self.drawing.draw(settings.step_groups)
        shift = bool(settings.lengths)
        groups = [draw_group(one, settings.group_size, random, length if shift else None) for one in lists]
        values: dict[str, dict[str, float]] = {}
        read = 0
        for learners in self._by_vocabulary():
            found, read = self._pass(learners, groups, length)
            values |= found
        rate = self.schedule.rate(step)
        for learner in self.learners:
            values[learner.student.name]["gradient"] = learner.step(rate)
        self.progress.step += 1
        self.progress.pairs += sum(len(group.texts) for group in groups)
        self.progress.tokens += read
        self._note(values, rate)

    def _by_vocabulary(self) -> list[list[Learner]]:
        """Return the learners in groups that read a text as the same tokens, and so share the batches."""
        found: dict[str, list[Learner]] = {}
        for learner in self.learners:
            found.setdefault(learner.vocabulary, []).append(learner)
        return list(found.values())

    def _pass(
        self, learners: list[Learner], groups: Sequence[Group], length: int
    ) -> tuple[dict[str, dict[str, float]], int]:
        """Run teacher and learners over the pairs of a step, and add the gradients; return terms and tokens."""
        pairs, queries, labels, relevance = tensors(groups)
        encoder = shortened(min((one.encoder for one in learners), key=lambda one: one.max_length), length)
        known = self._teacher is not None and self._teacher[1] == learners[0].vocabulary
        teacher = self._teacher[0] if known and self._teacher else None
        batches = TokenBatches.of(encoder, pairs, self.settings.mini_batch, self.device)
        collected = [Collected() for _ in learners]
        order: list[NDArray[np.int64]] = []
        aims: list[torch.Tensor] = []
        for rows, batch in batches:
            guide = self._guide(teacher, batch)
            order.append(rows)
            own = self.online is not None and self.online.targets and guide is not None
            aims.append(guide.logits if own and guide else torch.from_numpy(labels[rows]).to(self.device))
            for learner, one in zip(learners, collected, strict=True):
                learner.collect(one, forward(learner.model, batch), guide, batch["attention_mask"])
        places = torch.from_numpy(np.concatenate(order))
        sizes = [len(group.texts) for group in groups]
        counts = count_terms(sizes, batches.tokens, sum(group.has_relevant for group in groups))
        aim = Aims(torch.cat(aims), queries[places].to(self.device), relevance[places].to(self.device))
        if bool(aim.targets.isnan().any()):
            why = "the teacher has another vocabulary than a student" if self.online else "no teacher runs beside it"
            raise SettingsError(f"the lists are not scored, and {why}; score all before the training", "scored")
        terms = {
            learner.student.name: learner.backward(one, aim, counts)
            for learner, one in zip(learners, collected, strict=True)
        }
        return terms, batches.tokens

    @staticmethod
    @torch.no_grad()
    def _guide(teacher: Any, batch: dict[str, torch.Tensor]) -> Forward | None:  # noqa: ANN401
        return None if teacher is None else forward(teacher, batch)

    def _note(self, values: dict[str, dict[str, float]], rate: float) -> None:
        """Keep the terms of a step, and add their means to the log after every `LOG_EVERY` steps, and at the end."""
        self._sums.append(values)
        if self.progress.step % LOG_EVERY and self.progress.step < self.schedule.steps:
            return
        means = {
            name: {term: round(float(np.mean([one[name][term] for one in self._sums])), 6) for term in TERMS}
            for name in values
        }
        counts = {"step": self.progress.step, "pairs": self.progress.pairs, "rate": rate}
        self.progress.log.append(counts | {"students": means})
        self._sums = []


def shortened(encoder: PairEncoder, length: int) -> PairEncoder:
    """Return an encoder that reads at most `length` tokens of a pair, or as many as `encoder` does."""
    if length >= encoder.max_length:
        return encoder
    return PairEncoder(encoder.tokenizer, length, encoder.pad_id)
