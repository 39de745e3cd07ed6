"""Write the proof of an int8 graph: short pairs of many lengths, with what float32 gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from resift.rerank.scorer import Pair
from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.onnx_graph import OnnxGraph
from resift.rerank.scorers.proof import NOISE, Proof
from resift.rerank.scorers.proved_graph import proof_logits
from resift.rerank.training.export.parity import compare
from resift.rerank.training.export.settings import PROOF_PAIRS
from resift.retrieval.file_hash import sha256_of

SHORTEST, LONGEST = 12, 48
"""Tokens of the shortest and of the longest pair of a proof: few, because they are scored at each loading."""

ROOM_LARGEST, ROOM_MEAN, SLACK = 2.0, 1.5, 0.005
"""How much further than measured at the export the scores may be from float32, as factors, and in any case.

Numbers that lie between two int8 steps are rounded up on one processor and down on another, so no two are equal.
"""


def make_proof(folder: ModelFolder, tokenizer: Tokenizer, pairs: Sequence[Pair], float32: Path, int8: Path) -> Proof:
    """Return the proof of the graph in the file `int8` of `folder`, whose exact scores are those of `float32`.

    The pairs are cut from `pairs`. The limits follow from what the int8 graph gives if it is computed as it is written.
    """
    longest = min(LONGEST, folder.window(None))
    texts = tuple(cut_pairs(pairs, PairEncoder(tokenizer, longest, folder.pad_id, folder.name)))
    name = int8.relative_to(folder.path).as_posix()
    unproved = Proof(name, sha256_of(int8), longest, texts, np.zeros(len(texts), np.float32), 0.0, 0.0, 0.0)
    exact, rounded = (
        proof_logits(folder, unproved, tokenizer, OnnxGraph(folder, path, ["CPUExecutionProvider"], None, int8=False))
        for path in (float32, int8)
    )
    found = compare(rounded, exact)
    return Proof(
        name,
        unproved.sha256,
        longest,
        texts,
        exact,
        largest=round(ROOM_LARGEST * found.largest + SLACK, 4),
        mean=round(ROOM_MEAN * found.mean + SLACK, 4),
        order=round(max(0.0, found.order - NOISE), 4),
    )


def cut_pairs(pairs: Sequence[Pair], encoder: PairEncoder) -> list[Pair]:
    """Return `PROOF_PAIRS` of `pairs`, evenly chosen, with documents cut to `SHORTEST` tokens and more.

    A query that leaves no room for its document is cut to half of the window.
    """
    chosen = [pairs[place] for place in np.linspace(0, len(pairs) - 1, PROOF_PAIRS).astype(int)]
    lengths = np.linspace(min(SHORTEST, encoder.max_length), encoder.max_length, PROOF_PAIRS).astype(int)
    cut = []
    for (query, document), length in zip(chosen, lengths, strict=True):
        query = _first_tokens(query, encoder.max_length // 2, encoder)
        used = len(encoder.tokenizer.encode(query, add_special_tokens=False)) + encoder.frame.size
        cut.append((query, _first_tokens(document, max(1, int(length) - used), encoder)))
    return cut


def _first_tokens(text: str, count: int, encoder: PairEncoder) -> str:
    """Return the beginning of `text` that has about `count` tokens, at most 10 characters a token."""
    text = text[: 10 * max(count, 8)]
    encoding = encoder.tokenizer.encode(text, add_special_tokens=False)
    return text if len(encoding) <= count else text[: encoding.offsets[count - 1][1]]
