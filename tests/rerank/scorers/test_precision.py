"""Whatever the encoder's precision, the logits that decide the order are float32's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from tests.rerank.scorers.small_models import FAMILIES, WORDS, save_family


@pytest.mark.parametrize("family", FAMILIES)
def test_a_narrow_encoder_still_gives_logits_of_full_precision(family: str, tmp_path: Path) -> None:
    scorer = CrossEncoder(save_family(family, tmp_path), ScorerSettings(dtype="bfloat16", device="cpu"))
    pairs = [("cat food", " ".join(WORDS[start : start + 9])) for start in range(40)]
    logits = scorer.score(pairs).logits
    rounded = torch.from_numpy(logits).bfloat16().float().numpy()
    # were the head in bfloat16 as well, every logit would be one of its few numbers
    assert (logits != rounded).mean() > 0.8
