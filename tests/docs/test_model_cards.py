"""The card of the model in the package is the one that training writes."""

from __future__ import annotations

import json

from scripts.train_default.card import card
from tests.docs.functions import ROOT


def test_the_card_of_the_default_model_is_written_from_its_training_record() -> None:
    folder = ROOT / "rerank" / "models" / "resift-minilm-l3"
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert (folder / "README.md").read_text(encoding="utf-8") == card(record)
