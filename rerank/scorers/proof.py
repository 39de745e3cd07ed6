"""The proof of an int8 model: pairs with their float32 logits, by which a machine that loads it finds wrong arithmetic.

An int8 graph can be damaged on its way, and an int8 kernel can be wrong on a processor: those with AVX2 and without
VNNI add products in 16 bits and saturate. Neither raises an error; the scores are wrong. So the folder of an int8 model
has a file, named `proof` in resift.json, that the exporter wrote and the ONNX backend checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair
from resift.rerank.scorers.json_file import read_json
from resift.rerank.scorers.model_folder import ModelFolder

PROOF_FILE = "proof.json"
"""The name under which the exporter writes a proof."""

NOISE = 0.02
"""Share of the pairs of documents whose order may differ beyond what was measured when the model was exported."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What an int8 graph was found to compute when it was exported.

    `file` is the graph, relative to the model's folder, `sha256` its digest; `max_length` the most tokens of a pair.
    `pairs` are (query, document) texts and `logits`, float32 (n,), what the float32 model gives them. `largest` and
    `mean` limit the absolute difference from these, and `order` is the least share of pairs in the same order.
    """

    file: str
    sha256: str
    max_length: int
    pairs: tuple[Pair, ...]
    logits: NDArray[np.float32]
    largest: float
    mean: float
    order: float

    def fault(self, logits: NDArray[np.float32]) -> str | None:
        """Return what is wrong with `logits`, float32 (n,), that were computed for the pairs; None if nothing is."""
        if not np.isfinite(logits).all():
            return "its scores are NaN or infinite"
        gaps = np.abs(logits - self.logits)
        for name, found, limit in (("up to", gaps.max(), self.largest), ("on average", gaps.mean(), self.mean)):
            if found > limit:
                return f"its scores differ from float32 by {found:.2g} {name}; expected at most {limit:.2g}"
        agreed = order_agreement(logits, self.logits)
        if agreed < self.order:
            return (
                f"{agreed:.0%} of its pairs of scores are in the order of float32; expected at least {self.order:.0%}"
            )
        return None

    def content(self) -> dict[str, Any]:
        """Return the proof as the JSON object of its file."""
        rows = [
            {"query": query, "document": document, "logit": round(float(logit), 6)}
            for (query, document), logit in zip(self.pairs, self.logits, strict=True)
        ]
        limits = {"largest": self.largest, "mean": self.mean, "order": self.order}
        return {"file": self.file, "sha256": self.sha256, "max_length": self.max_length, **limits, "pairs": rows}


def order_agreement(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the share of pairs of values that are in the same order in both arrays (n,); 1 if there are none.

    Pairs that are equal in `expected` are not counted. It is (1 + Kendall's tau) / 2 where nothing is equal.

    >>> order_agreement(np.array([1, 2, 3], np.float32), np.array([1, 3, 2], np.float32))
    0.6666666666666666
    """
    above, below = np.triu_indices(len(expected), 1)
    wanted = np.sign(expected[above].astype(np.float64) - expected[below])
    same = np.sign(found[above].astype(np.float64) - found[below]) == wanted
    counted = wanted != 0
    return float(same[counted].mean()) if counted.any() else 1.0


def read_proof(folder: ModelFolder) -> Proof | None:
    """Return the proof of the model in `folder`; None if resift.json names none.

    Raises ModelError if the file that it names does not exist or is not a proof.
    """
    name = folder.resift.get("proof")
    if name is None:
        return None
    if not isinstance(name, str) or not _inside(name):
        raise folder.error("`proof` in resift.json is not the name of a file in the folder; download it again")
    content = read_json(folder.path / name, folder.name, default=None)
    if content is None:
        raise folder.error(f"the folder has no {name}, which resift.json names; download it again")
    try:
        return _proof(content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise folder.error(f"{name} is not a proof of an int8 model ({error!r}); download it again") from error


def _proof(content: Any) -> Proof:  # noqa: ANN401 - JSON is anything
    if not isinstance(content, Mapping):
        raise TypeError("not a JSON object")
    rows = content["pairs"]
    pairs = tuple((row["query"], row["document"]) for row in rows)
    if not pairs or not all(isinstance(text, str) for pair in pairs for text in pair):
        raise ValueError("pairs without texts")
    file = content["file"]
    if not isinstance(file, str) or not _inside(file):
        raise ValueError("file")
    limits = [float(content[name]) for name in ("largest", "mean", "order")]
    logits = np.array([float(row["logit"]) for row in rows], dtype=np.float32)
    if not np.isfinite([*limits, *logits]).all():
        raise ValueError("a number that is not finite")  # every comparison with NaN would find nothing wrong
    return Proof(
        file,
        str(content["sha256"]),
        int(content["max_length"]),
        pairs,
        logits,
        *limits,
    )


def _inside(name: str) -> bool:
    """Return whether `name` is a relative path, with slashes, that does not leave its folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name
