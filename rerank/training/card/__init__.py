"""The card of a trained model: its README.md, written from the record of its training and the gate's report."""

from __future__ import annotations

from resift.rerank.training.card.write import write_card

__all__ = ["write_card"]
