"""What the ladder is trained on, what each model begins from, and on which sets it is chosen."""

from __future__ import annotations

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

STUDENTS = {"resift-base": "teacher:6", "resift-small": "teacher:4", "resift-tiny": "2x128x2"}
"""Name of each model -> what it begins from, as `resift distill --student` takes it."""
