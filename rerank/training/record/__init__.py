"""What a training recorded of itself: its data, its settings, its log, its energy. The card and the gate read it."""

from __future__ import annotations

from resift.rerank.training.record.described import Described, describe
from resift.rerank.training.record.facts import shape_of, versions_of
from resift.rerank.training.record.files import RECORD, read_record, write_record
from resift.rerank.training.record.origin import origin_of
from resift.rerank.training.record.run import (
    Column,
    Energy,
    Evaluation,
    LogRow,
    ModelFacts,
    Origin,
    RunRecord,
    Source,
)
from resift.rerank.training.record.texts import TRAINING_TEXTS, TrainingTexts

__all__ = [
    "RECORD",
    "TRAINING_TEXTS",
    "Column",
    "Described",
    "Energy",
    "Evaluation",
    "LogRow",
    "ModelFacts",
    "Origin",
    "RunRecord",
    "Source",
    "TrainingTexts",
    "describe",
    "origin_of",
    "read_record",
    "shape_of",
    "versions_of",
    "write_record",
]
