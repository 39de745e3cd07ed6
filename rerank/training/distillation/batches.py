"""Pairs as padded batches of tokens, sorted by length so that there is little padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resift.rerank.scorer import Pair
from resift.rerank.scorers.encoding import EncodedPairs, PairEncoder

Batch = dict[str, Tensor]
"""input_ids, attention_mask and token_type_ids, each int64 (pairs, tokens)."""


@dataclass(frozen=True, slots=True)
class TokenBatches:
    """Encoded pairs, and how they are divided: `rows` has the places of the pairs of each batch, longest first."""

    encoder: PairEncoder
    encoded: EncodedPairs
    rows: list[NDArray[np.int64]]
    device: str

    @classmethod
    def of(cls, encoder: PairEncoder, pairs: Sequence[Pair], most: int, device: str = "cpu") -> TokenBatches:
        """Encode `pairs` with `encoder`, as it does when a model serves, and divide them into batches of `most`."""
        encoded = encoder.encode(pairs)
        order = np.argsort(-encoded.lengths, kind="stable")
        rows = [order[start : start + most] for start in range(0, len(order), most)]
        return cls(encoder, encoded, rows, device)

    @property
    def tokens(self) -> int:
        """The number of tokens of all pairs, without padding."""
        return int(self.encoded.lengths.sum())

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        for rows in self.rows:
            padded = self.encoder.pad(self.encoded, rows)
            yield rows, {name: torch.from_numpy(array).to(self.device) for name, array in padded.items()}
