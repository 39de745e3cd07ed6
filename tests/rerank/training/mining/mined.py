"""A small index, a teacher that counts words, and a mine in memory, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from resift.indexer.bm25.build import build_index
from resift.rerank.scorer import Pair, Scorer, Scores
from resift.rerank.template import Template
from resift.rerank.training.mining.anchors import Anchor, Known
from resift.rerank.training.mining.mined import Mined
from resift.rerank.training.mining.miner import Miner
from resift.rerank.training.mining.settings import MineSettings
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.types import Document, Query


class WordTeacher:
    """Scores a pair by a number in the document, as in "logit 3.5"; 0 if it has none. Remembers what it scored."""

    def __init__(self) -> None:
        self.calls: list[list[Pair]] = []

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.calls.append(list(pairs))
        found = [float(text.partition("logit ")[2].split()[0]) if "logit " in text else 0.0 for _, text in pairs]
        nothing = np.zeros(len(pairs), dtype=bool)
        return Scores(np.array(found, dtype=np.float32), nothing, nothing)


def indexed(folder: Path, *documents: Document) -> Bm25Retriever:
    """Return an embedded index of `documents`."""
    build_index(list(documents), folder / "index", overwrite=True)
    return Bm25Retriever.open(folder / "index")


def soups(count: int) -> list[Document]:
    """Return documents s0 to s(count-1) that say "soup", the later ones less often, each with a word of its own."""
    return [Document(f"s{n:02}", "soup " * (count - n) + f"bowl{n} " * n + f"number{n}") for n in range(count)]


def anchor(*positives: str, query: str = "soup", negatives: Iterable[str] = ()) -> Anchor:
    """Return a query with judged documents of the index."""
    wrong = tuple(Known(doc_id, grade=0) for doc_id in negatives)
    return Anchor(Query("q", query), tuple(map(Known, positives)), wrong)


def mine(
    index: Bm25Retriever, one: Anchor, scorer: Scorer | None = None, **settings: object
) -> tuple[Mined | None, Miner]:
    """Return what is mined for one anchor, and the miner with its counts."""
    teacher = {} if scorer is not None else {"teacher": "none"}
    miner = Miner(index, Template(), MineSettings(**{**teacher, **settings}), scorer)  # type: ignore[arg-type]
    [mined] = miner.mine([one])
    return mined, miner


def ids(mined: Mined | None) -> list[str]:
    """Return the ids of the negatives, in order."""
    return [] if mined is None else [found.text.doc_id for found in mined.negatives]
