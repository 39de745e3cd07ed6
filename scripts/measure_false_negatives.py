"""Measure how many mined negatives are relevant after all, without and with a teacher's filter.

Half of the relevant documents of each query are hidden from the mine, as if nobody had judged them; then a mined
negative that is one of the hidden ones is a false negative.

    python -m scripts.measure_false_negatives ../shared/collections/nfcorpus --split train --queries 40
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import JudgedCollection, read_collection
from resift.rerank.scorer import Pair, Scorer, Scores
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.template import Template
from resift.rerank.training.mining.anchors import Anchor, judged_anchor
from resift.rerank.training.mining.miner import Miner
from resift.rerank.training.mining.settings import MineSettings
from resift.retrieval.bm25.retriever import Bm25Retriever

FILTERS: dict[str, dict[str, float | str | None]] = {
    "below the lowest positive": {"absolute_margin": 0.0, "margin_from": "lowest"},
    "below the median positive": {"absolute_margin": 0.0, "margin_from": "median"},
    "1 below the median positive": {"absolute_margin": 1.0, "margin_from": "median"},
    "2 below the median positive": {"absolute_margin": 2.0, "margin_from": "median"},
    "probability 5 % below the median": {
        "absolute_margin": None,
        "relative_margin": 0.05,
        "score_scale": "probability",
        "margin_from": "median",
    },
    "logit at most 0": {"absolute_margin": None, "max_score": 0.0},
}
"""Name -> the settings of the filter."""


@dataclass(slots=True)
class Remembering:
    """A scorer that scores each pair once, whatever it is asked with."""

    scorer: Scorer
    known: dict[Pair, float] = field(default_factory=dict)

    def score(self, pairs: Sequence[Pair]) -> Scores:
        """Return the logits of `pairs`."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self.known]
        if new:
            self.known.update(zip(new, self.scorer.score(new).logits.tolist(), strict=True))
        nothing = np.zeros(len(pairs), dtype=np.bool_)
        return Scores(np.array([self.known[pair] for pair in pairs], dtype=np.float32), nothing, nothing)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a mine: the negatives, those of them that are hidden relevant documents, and queries without any negative."""

    negatives: int
    false: int
    empty: int

    @property
    def share(self) -> float:
        """The share of false negatives."""
        return self.false / self.negatives if self.negatives else 0.0


def hidden_half(collection: JudgedCollection, count: int, fewest: int = 4) -> Iterator[tuple[Anchor, frozenset[str]]]:
    """Yield `count` anchors with half of their relevant documents, and the ids of the hidden half.

    The queries are the first ones in the order of a hash, of those with at least `fewest` relevant documents.
    """
    queries = sorted(collection.queries, key=lambda query: _hash(query.query_id))
    for query in queries:
        relevant = sorted((doc for doc, grade in collection.qrels[query.query_id].items() if grade > 0), key=_hash)
        if len(relevant) < fewest or count == 0:
            continue
        count -= 1
        shown = relevant[: len(relevant) // 2]
        anchor = judged_anchor(query, dict.fromkeys(shown, 1))
        assert anchor is not None
        yield anchor, frozenset(relevant) - frozenset(shown)


def measure(
    index: Bm25Retriever,
    cases: Sequence[tuple[Anchor, frozenset[str]]],
    scorer: Scorer | None,
    settings: Mapping[str, object],
) -> Outcome:
    """Return what is mined for `cases`: five negatives, beside three positives."""
    chosen = {"negatives": 5, "most_positives": 3, **settings}
    if scorer is None:
        chosen["teacher"] = "none"
    miner = Miner(index, Template(), MineSettings(**chosen), scorer)  # type: ignore[arg-type]
    negatives = false = empty = 0
    for mined, (_, hidden) in zip(miner.mine([anchor for anchor, _ in cases]), cases, strict=True):
        found = [] if mined is None else [one.text.doc_id for one in mined.negatives]
        negatives, false, empty = negatives + len(found), false + len(hidden & set(found)), empty + (not found)
    return Outcome(negatives, false, empty)


def main() -> None:
    """Print a table of all filters for each teacher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", help="a BEIR folder")
    parser.add_argument("--split", default="train")
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--teacher", action="append", help="a model; may be repeated")
    parser.add_argument("--ranks", default="1-100")
    parser.add_argument("--max-length", type=int, default=None)
    given = parser.parse_args()
    collection = read_collection(given.collection, given.split)
    cases = list(hidden_half(collection, given.queries))
    with tempfile.TemporaryDirectory() as folder:
        build_index(collection.documents(), Path(folder) / "index")
        index = Bm25Retriever.open(Path(folder) / "index")
        _show("no filter", "", measure(index, cases, None, {"ranks": given.ranks}))
        for name in given.teacher or ["default"]:
            scorer = Remembering(load_scorer(name, ScorerSettings(max_length=given.max_length, threads=1)))
            for filter_name, settings in FILTERS.items():
                _show(Path(name).name, filter_name, measure(index, cases, scorer, {"ranks": given.ranks, **settings}))


def _show(teacher: str, name: str, found: Outcome) -> None:
    share = f"{found.false:4} of {found.negatives:4} false ({found.share:6.1%})"
    print(f"{teacher:24} {name:34} {share}, {found.empty} queries without a negative", flush=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
