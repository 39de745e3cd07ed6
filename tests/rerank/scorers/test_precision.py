"""Logits have float32 precision, whatever the precision of the encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from tests.rerank.scorers.small_models import FAMILIES, WORDS, save_family


@pytest.mark.parametrize("family", FAMILIES)
def test_a_bfloat16_encoder_gives_logits_with_float32_precision(family: str, tmp_path: Path) -> None:
    scorer = CrossEncoder(save_family(family, tmp_path), ScorerSettings(dtype="bfloat16", device="cpu"))
    pairs = [("cat food", " ".join(WORDS[start : start + 9])) for start in range(40)]
    logits = scorer.score(pairs).logits
    rounded = torch.from_numpy(logits).bfloat16().float().numpy()
    # if the head were in bfloat16 too, every logit would equal its bfloat16 rounding
    assert (logits != rounded).mean() > 0.8
