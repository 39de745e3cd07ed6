"""Logits equal those of transformers, with its own tokenization and forward pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from tests.rerank.scorers.small_models import FAMILIES, save_family, sentences

QUERIES = ["cat food", "the price of bread and coffee", "Is it isn't?", "猫 orbit", "river"]
DOCUMENTS = [*sentences(20, seed=3, shortest=1, longest=60), "", "[SEP] [CLS] <s> </s>", "naïve café Straße", "x" * 200]
PAIRS = [(query, document) for query in QUERIES for document in DOCUMENTS]


def theirs(folder: Path, max_length: int) -> NDArray[np.float32]:
    """Return the logits of `PAIRS` computed by transformers in padded batches of 16, float32 (n,)."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    found = []
    for start in range(0, len(PAIRS), 16):
        queries, documents = zip(*PAIRS[start : start + 16], strict=True)
        batch = tokenizer(
            list(queries),
            list(documents),
            truncation="only_second",
            max_length=max_length,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            found.append(model(**batch).logits[:, 0].numpy())
    return np.concatenate(found)


@pytest.mark.parametrize("max_length", [40, 96])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_those_of_transformers(family: str, max_length: int, tmp_path: Path) -> None:
    save_family(family, tmp_path)
    ours = CrossEncoder(tmp_path, ScorerSettings(max_length=max_length, batch_tokens=700)).score(PAIRS)
    expected = theirs(tmp_path, max_length)
    assert ours.logits == pytest.approx(expected, abs=1e-5)
    assert float(expected.std()) > 0.1
    assert ours.truncated.any()
    assert not ours.query_truncated.any()
