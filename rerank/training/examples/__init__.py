"""Training examples: their forms, and how they are read and written. Every part that trains or mines uses these."""

from __future__ import annotations

from resift.rerank.training.examples.files import (
    form_name,
    from_line,
    read_examples,
    read_written,
    to_line,
    write_examples,
)
from resift.rerank.training.examples.forms import Contrast, Example, LabelledList, LabelledPair, Pair, graded

__all__ = [
    "Contrast",
    "Example",
    "LabelledList",
    "LabelledPair",
    "Pair",
    "form_name",
    "from_line",
    "graded",
    "read_examples",
    "read_written",
    "to_line",
    "write_examples",
]
