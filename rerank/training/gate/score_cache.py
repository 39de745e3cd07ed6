"""Keep the scores of a model in a file as they are computed, so that a stopped judgement continues where it was.

The file has a hash of each pair, never its texts. Records have a fixed size and are only appended; each has a check
value, so that a file that was cut or damaged loses no more than the records that were hit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scorer, Scores
from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.template_budget import Cut, cut_by_size

AT_ONCE = 512
"""Pairs that are scored before their scores are written."""

_RECORD = np.dtype(
    [("pair", "<u8", (2,)), ("logit", "<f4"), ("read", "<u4"), ("flags", "<u4"), ("check", "<u4")]
)  # 32 bytes
_TRUNCATED, _QUERY_TRUNCATED, _READ_KNOWN = 1, 2, 4
_MIXER = np.uint64(0x9E3779B97F4A7C15)


class CachedScorer:
    """A scorer that computes each pair once: scores come from a file, or from a scorer that is loaded when needed.

    `languages` and `fusion` are those of the model's folder, and `beginning` cuts a text to a number of the model's
    tokens, as the reranker asks for them.
    """

    def __init__(
        self,
        load: Callable[[], Scorer],
        path: Path | None,
        fusion: OwnFusion | None = None,
        languages: tuple[str, ...] = (),
        beginning: Cut = cut_by_size,
    ) -> None:
        """Read the scores in the file at `path`, which may not exist yet; with None, they are kept in memory alone."""
        self.fusion, self.languages, self.beginning = fusion, languages, beginning
        self._load, self._path = load, path
        self._scorer: Scorer | None = None
        records = np.zeros(0, dtype=_RECORD) if path is None else _read(path)
        self._records = list(records)
        self._places = {record["pair"].tobytes(): place for place, record in enumerate(records)}

    def score(self, pairs: Sequence[Pair]) -> Scores:
        """Return the scores of `pairs`, as `resift.rerank.scorer.Scorer` describes it; the same pair, the same score.

        Raises what the scorer raises, and OSError if the file cannot be written.
        """
        keys = [_key(pair) for pair in pairs]
        missing = list({key: pair for key, pair in zip(keys, pairs, strict=True) if key not in self._places}.items())
        for start in range(0, len(missing), AT_ONCE):
            self._compute(missing[start : start + AT_ONCE])
        found = np.array([self._records[self._places[key]] for key in keys], dtype=_RECORD)  # (n,)
        known = bool((found["flags"] & _READ_KNOWN).all())
        return Scores(
            logits=found["logit"].astype(np.float32),
            truncated=(found["flags"] & _TRUNCATED) > 0,
            query_truncated=(found["flags"] & _QUERY_TRUNCATED) > 0,
            read_characters=found["read"].astype(np.int64) if known else None,
        )

    def _compute(self, missing: Sequence[tuple[bytes, Pair]]) -> None:
        """Score pairs with the model, and append them to the file in one piece."""
        if self._scorer is None:
            self._scorer = self._load()
        scores = self._scorer.score([pair for _, pair in missing])
        records = np.zeros(len(missing), dtype=_RECORD)
        records["pair"] = np.frombuffer(b"".join(key for key, _ in missing), dtype="<u8").reshape(-1, 2)
        records["logit"] = scores.logits
        records["flags"] = scores.truncated * _TRUNCATED + scores.query_truncated * _QUERY_TRUNCATED
        if scores.read_characters is not None:
            records["read"] = np.minimum(scores.read_characters, np.iinfo(np.uint32).max)
            records["flags"] += _READ_KNOWN
        records["check"] = _check(records)
        if self._path is not None:
            _append(self._path, records.tobytes())
        for (key, _), record in zip(missing, records, strict=True):
            self._places[key] = len(self._records)
            self._records.append(record)


def _key(pair: Pair) -> bytes:
    """Return 16 bytes that identify a pair; two pairs whose texts are joined alike differ."""
    query, document = (text.encode("utf-8", "surrogatepass") for text in pair)
    return blake2b(len(query).to_bytes(8, "little") + query + document, digest_size=16).digest()


def _check(records: NDArray[np.void]) -> NDArray[np.uint32]:
    """Return the check value of each record, uint32 (n,), computed from its other members."""
    mixed = records["pair"][:, 0] ^ (records["pair"][:, 1] * _MIXER)
    for name in ("logit", "read", "flags"):
        mixed = (mixed ^ records[name].view("<u4").astype(np.uint64)) * _MIXER
    return (mixed >> np.uint64(32)).astype(np.uint32)


def _read(path: Path) -> NDArray[np.void]:
    """Return the records in the file at `path` that are whole; cut off an incomplete one at its end."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return np.zeros(0, dtype=_RECORD)
    whole = len(content) // _RECORD.itemsize * _RECORD.itemsize
    if whole < len(content):  # a process was stopped while it wrote
        os.truncate(path, whole)
    records = np.frombuffer(content[:whole], dtype=_RECORD)
    sound: NDArray[np.bool_] = (records["check"] == _check(records)) & np.isfinite(records["logit"])
    kept: NDArray[np.void] = records[sound]
    return kept


def _append(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        file.write(content)
