"""CUDA gives the scores of the CPU, in float32, float16 and bfloat16, also if the memory is really too small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder, choose_device, choose_dtype
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import FAMILIES, save_family, sentences

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device on this machine"),
]

PAIRS = [
    (query, document) for query in ("cat food", "price of bread") for document in sentences(40, seed=3, longest=60)
]
CPU = ScorerSettings(device="cpu")


def test_cuda_is_chosen_if_available_with_bfloat16_or_float16() -> None:
    device = choose_device("auto")
    assert device.type == "cuda"
    narrow = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    assert choose_dtype("auto", device) == narrow


@pytest.mark.parametrize("family", FAMILIES)
def test_float32_scores_equal_those_of_the_cpu(family: str, tmp_path: Path) -> None:
    save_family(family, tmp_path)
    ours = CrossEncoder(tmp_path, ScorerSettings(device="cuda", dtype="float32", batch_tokens=900)).score(PAIRS)
    assert ours.logits == pytest.approx(CrossEncoder(tmp_path, CPU).score(PAIRS).logits, abs=1e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_16_bit_scores_keep_the_order_of_pairs_whose_scores_differ_clearly(
    family: str, dtype: str, tmp_path: Path
) -> None:
    save_family(family, tmp_path)
    narrow = CrossEncoder(tmp_path, ScorerSettings(device="cuda", dtype=dtype)).score(PAIRS).logits
    wide = CrossEncoder(tmp_path, CPU).score(PAIRS).logits
    assert narrow.dtype == np.float32
    clear = np.abs(wide[:, None] - wide[None, :]) > 0.5 * wide.std()  # (n, n)
    agree = np.sign(narrow[:, None] - narrow[None, :]) == np.sign(wide[:, None] - wide[None, :])  # (n, n)
    assert agree[clear].mean() > 0.99


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Limit this process to the device memory that it uses now plus 64 MiB."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 64 * 2**20) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_too_little_memory_gives_the_same_scores_in_smaller_batches(tmp_path: Path, little_memory: None) -> None:
    save_family("bert", tmp_path, max_length=512, intermediate_size=4096)
    pairs = [(f"cat {number}", document) for number in range(100) for document in sentences(40, seed=3, longest=60)]
    torch.cuda.reset_accumulated_memory_stats()
    ours = CrossEncoder(tmp_path, ScorerSettings(device="cuda", dtype="float32", batch_tokens=10**6)).score(pairs)
    assert torch.cuda.memory_stats()["num_ooms"] > 0
    assert ours.logits == pytest.approx(CrossEncoder(tmp_path, CPU).score(pairs).logits, abs=1e-4)


def test_one_pair_that_does_not_fit_is_an_error(tmp_path: Path, little_memory: None) -> None:
    save_family("bert", tmp_path, max_length=512, intermediate_size=60_000)
    scorer = CrossEncoder(tmp_path, ScorerSettings(device="cuda", dtype="float32"))
    with pytest.raises(ModelError, match="there is not enough memory for one pair"):
        scorer.score([("cat", "dog " * 600)])
