"""Read the replies of servers: every score is checked before it is used, and an error says what came instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Scores

_LARGEST = float(np.finfo(np.float32).max)


class ReplyError(Exception):
    """A server's reply cannot be used: the message says what was expected, and `came`, of any length, what came."""

    def __init__(self, message: str, came: str = "") -> None:
        """Keep what came apart from the message: it is shown only without the key, which a server may repeat."""
        self.came = came
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Part:
    """What a server replied for some pairs, in their order.

    `values`: float64 (n,), logits or probabilities. The others are as in `resift.rerank.scorer.Scores`, and None if the
    server does not report them.
    """

    values: NDArray[np.float64]
    truncated: NDArray[np.bool_] | None = None
    query_truncated: NDArray[np.bool_] | None = None
    read_characters: NDArray[np.int64] | None = None

    def with_logits(self, logits: NDArray[np.float32], order: NDArray[np.int64]) -> Scores:
        """Return the scores with `logits`, float32 (n,), and everything else in `order`, indices int64 (n,).

        What the server does not report counts as not truncated.
        """

        def flags(array: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
            return np.zeros(len(logits), dtype=bool) if array is None else array[order]

        read = None if self.read_characters is None else self.read_characters[order]
        return Scores(logits, flags(self.truncated), flags(self.query_truncated), read)


def join(parts: list[Part]) -> Part:
    """Return the parts, at least one, as one, in the given order; what one of them lacks is None for all."""

    def joined(arrays: list[NDArray[Any] | None]) -> NDArray[Any] | None:
        known = [array for array in arrays if array is not None]
        return np.concatenate(known) if len(known) == len(arrays) else None

    return Part(
        np.concatenate([part.values for part in parts]),
        joined([part.truncated for part in parts]),
        joined([part.query_truncated for part in parts]),
        joined([part.read_characters for part in parts]),
    )


def read_json(content: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the value of a JSON text. Raises ReplyError."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        text = content.decode("utf-8", "replace")
        html = ", not HTML, as of a login page or a proxy" if text.lstrip().startswith("<") else ""
        raise ReplyError(f"expected JSON{html}", text or "nothing") from None


def read_scores(rows: object, count: int, name: str) -> NDArray[np.float64]:
    """Return the scores of `count` texts, float64 (count,), from rows with an "index" and the score under `name`.

    The rows may be in any order. Raises ReplyError unless each index from 0 is there once, with a finite number.
    """
    if not isinstance(rows, list):
        raise ReplyError("expected a list of scores", _shown(rows))
    found: dict[int, float] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise ReplyError(f'expected {{"index", "{name}"}} for each text', _shown(row))
        index = row.get("index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
            raise ReplyError(f"expected an index from 0 to {count - 1}", _shown(index))
        if index in found:
            raise ReplyError(f"the index {index} came twice")
        found[index] = _number(row.get(name), f'"{name}" of index {index}')
    if len(found) < count:
        missing = next(index for index in range(count) if index not in found)
        raise ReplyError(f"got the scores of {len(found)} of {count} texts; the first without one has index {missing}")
    return np.array([found[index] for index in range(count)], dtype=np.float64)


def read_flags(reply: Mapping[str, object], name: str, count: int) -> NDArray[np.bool_] | None:
    """Return the member `name`, a list of `count` booleans; None if there is none. Raises ReplyError."""
    given = _listed(reply, name, count, lambda value: isinstance(value, bool), "true or false")
    return None if given is None else np.array(given, dtype=bool)


def read_counts(reply: Mapping[str, object], name: str, count: int) -> NDArray[np.int64] | None:
    """Return the member `name`, a list of `count` integers from 0; None if there is none. Raises ReplyError."""
    given = _listed(reply, name, count, _is_count, "an integer from 0")
    return None if given is None else np.array(given, dtype=np.int64)


def _listed(
    reply: Mapping[str, object], name: str, count: int, fits: Callable[[object], bool], wanted: str
) -> list[Any] | None:
    given = reply.get(name)
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != count or not all(map(fits, given)):
        raise ReplyError(f'expected "{name}" to be {wanted} for each of {count} pairs', _shown(given))
    return given


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ReplyError(f"expected {what} to be a number", _shown(value))
    if not -_LARGEST <= value <= _LARGEST:  # NaN is neither; an integer may be too large for a float
        raise ReplyError(f"expected {what} to be a finite number", _shown(value))
    return float(value)


def _shown(value: object) -> str:
    """Return `value`, which was JSON, as JSON."""
    return json.dumps(value, ensure_ascii=False)
