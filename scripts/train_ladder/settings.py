"""What the ladder is trained on, what each model begins from, and on which sets it is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAIRS = (
    *("squad-train-part", "squadshifts-wiki", "squadshifts-reddit", "squadshifts-amazon"),
    *("nq-gold", "medquad", "pubmedqa", "stackexchange"),
)
"""Files of question-answer pairs, in "training" of the shared data."""

COLLECTIONS = ("nfcorpus", "scifact")
"""Collections whose train split is used."""

UNTITLED = frozenset({"squadshifts-reddit", "squadshifts-amazon"})
"""Files whose titles, such as "Amazon Reviews 2030", say nothing about the passage."""

DEV = ("nfcorpus", "med", "time", "squad-dev")
"""Collections on whose dev splits the fusion is fitted and the gate decides."""

DEV_QUERIES = 60
"""How many queries of each dev split are taken, always the same ones."""


@dataclass(frozen=True, slots=True)
class Run:
    """One call of `resift distill`.

    `teacher`: its folder in the work folder. `students`: name of each model -> what it begins from, as the option
    for a student takes it. `options`: what else is given.
    """

    teacher: str
    students: Mapping[str, str]
    options: tuple[str, ...]


RUNS = {
    "larger": Run(
        teacher="models/ms-marco-minilm-l12/float32",
        students={"resift-base": "teacher:6", "resift-small": "teacher:4"},
        options=(
            *("--scored", "held-out", "--lengths", "72:.65,112:.2,176:.1,256:.05", "--max-queries", "6800"),
            *("--made-share", "0", "--held-out-share", "0.015", "--passes", "0.78", "--peak-rate", "7e-5"),
        ),
    ),
    "tiny": Run(
        teacher="delivered/resift-base",
        students={"resift-tiny": "2x128x2"},
        options=(
            *("--max-queries", "36000", "--made-share", "0.15", "--held-out-share", "0.01", "--pair-tokens", "192"),
            *("--head-documents", "3", "--middle-documents", "2", "--random-documents", "1"),
            *("--positive-documents", "1", "--passes", "2", "--step-groups", "16", "--micro-batch", "48"),
            *("--fresh-rate", "1e-3", "--no-frozen-words"),
        ),
    ),
}
"""Name of a step -> the training that it is; the smallest model learns from the largest one that is delivered."""
