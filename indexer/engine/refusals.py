"""Summarize the file in which a load lists the documents that the engine refused."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

_POSITION = re.compile(r"^\[\d+:\d+\] ")
_LONGEST = 120  # characters of a reason


def most_frequent_reasons(file: str | Path, number: int = 2) -> list[tuple[str, int]]:
    """Return the `number` most frequent reasons in a `file` of refused documents, each with its number of documents.

    The parts of a reason that differ between documents, the document's id and the position in it, are left out. Raises
    OSError if the file cannot be read.
    """
    reasons: Counter[str] = Counter()
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            reason = _POSITION.sub("", json.loads(line)["reason"])
            reasons[reason.partition(" in document")[0].partition(" of document")[0][:_LONGEST]] += 1
    return reasons.most_common(number)
