"""All settings of the training run, defined once.

The delivered weights were trained with these values; ``training.json`` beside the
weights contains them too, together with the figures that the run measured.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TRAINING_FILES = (
    "squad-train-part",
    "squadshifts-wiki",
    "squadshifts-reddit",
    "squadshifts-amazon",
    "nq-gold",
    "medquad",
    "pubmedqa",
    "stackexchange",
)
TRAINING_COLLECTIONS = ("nfcorpus", "scifact")
DEV_COLLECTIONS = ("nfcorpus", "med", "time", "squad-dev")

# Encoded in this order, so that stage 1 can start with the first of them.
SOURCE_ORDER = (
    "nfcorpus",
    "scifact",
    "squad-train-part",
    "pubmedqa",
    "nq-gold",
    "squadshifts-wiki",
    "stackexchange",
    "medquad",
    "squadshifts-reddit",
    "squadshifts-amazon",
)

# Titles such as "Amazon Reviews 2030" say nothing about the passage.
UNTITLED = frozenset({"squadshifts-reddit", "squadshifts-amazon"})

# Sources from whose passages sentences (and titles) are taken as unlabelled queries.
LENDING = frozenset({"nfcorpus", "scifact", "medquad", "pubmedqa", "stackexchange"})


@dataclass(frozen=True, slots=True)
class TeacherSettings:
    """How the bi-encoder reads a text: lengths in tokens, sizes in texts."""

    passage_tokens: int = 128
    query_tokens: int = 64
    batch_tokens: int = 4096
    scale: float = 20.0


@dataclass(frozen=True, slots=True)
class StageSettings:
    """One stage of training: lengths and budget in tokens, groups of pairs."""

    name: str
    token_budget: int
    learning_rate: float
    max_tokens: int
    groups_per_step: int = 8
    group_size: int = 8
    micro_batch: int = 16
    warm_up: float = 0.06
    weight_decay: float = 0.01
    clip: float = 1.0
    label_weight: float = 0.0
    teacher_weight: float = 1.0
    centred_weight: float = 0.05
    unlabelled_share: float = 0.3


STAGES = {
    "distill": StageSettings(name="distill", token_budget=16_500_000, learning_rate=2e-4, max_tokens=128),
    "labels": StageSettings(
        name="labels",
        token_budget=13_000_000,
        learning_rate=1e-4,
        max_tokens=256,
        label_weight=1.0,
        teacher_weight=0.5,
        centred_weight=0.0,
        unlabelled_share=0.15,
    ),
}

SEED = 20261124
LAYERS = 3
CANDIDATES = 100
EVALUATION_TOKENS = 256


def shared_folder() -> Path:
    """Return the folder of the data: ``$RESIFT_SHARED``, else ``shared`` beside the checkout."""
    given = os.environ.get("RESIFT_SHARED")
    return Path(given) if given else Path(__file__).resolve().parents[3] / "shared"
