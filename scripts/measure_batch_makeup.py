"""Measure whether the make-up of a batch changes scores and orders: alone, in mixed batches, and in fixed shapes.

Fixed shapes are those of `resift serve --deterministic`.

    python -m scripts.measure_batch_makeup ../shared/collections/nfcorpus --queries 50 --depth 20
    python -m scripts.measure_batch_makeup FOLDER --model org/name --backend torch --dtype bfloat16
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import read_collection
from resift.rerank.scorer import Pair
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.batching.batch_models import PredictorModel
from resift.rerank.template import Template
from resift.retrieval.registry import open_retriever

CUTOFF = 10
"""How many of the first documents of a query are compared."""


def candidates(folder: Path, split: str, queries: int, depth: int) -> list[list[Pair]]:
    """Return for each query the pairs of its first `depth` documents by BM25."""
    collection = read_collection(folder, split)
    template = Template()
    with tempfile.TemporaryDirectory() as work:
        build_index(collection.documents(), Path(work) / "index")
        retriever = open_retriever(f"bm25:{Path(work) / 'index'}")
        rankings = retriever.retrieve(list(collection.queries)[:queries], depth)
        return [
            [(ranking.query.text, template.render(hit.document)) for hit in ranking.hits]
            for ranking in rankings
            if ranking.hits
        ]


def score_mixed(model: PredictorModel, pairs: Sequence[Pair], order: Sequence[int]) -> NDArray[np.float32]:
    """Return the logits of `pairs`, float32 (n,), in batches that take them in `order` where their lengths allow it."""
    prepared = model.prepare(pairs, None)
    logits = np.empty(len(pairs), dtype=np.float32)
    waiting = list(order)
    while waiting:
        shortest, longest = model.shape(int(prepared.lengths[waiting[0]]))
        most = min(max(1, model.budget // longest), model.most_rows or model.budget)
        fitting = [row for row in waiting if shortest <= prepared.lengths[row] <= longest][:most]
        logits[fitting] = model.run([(prepared, row) for row in fitting]).logits
        taken = set(fitting)
        waiting = [row for row in waiting if row not in taken]
    return logits


def changed_orders(queries: Sequence[Sequence[Pair]], one: NDArray[np.float32], other: NDArray[np.float32]) -> int:
    """Return of how many queries the first documents differ between two scorings of all their pairs, (n,) each."""
    bounds = np.cumsum([0, *map(len, queries)])
    parts = [slice(int(start), int(stop)) for start, stop in zip(bounds[:-1], bounds[1:], strict=True)]
    return sum(
        np.argsort(-one[part], kind="stable")[:CUTOFF].tolist()
        != np.argsort(-other[part], kind="stable")[:CUTOFF].tolist()
        for part in parts
    )


def main() -> None:
    """Print a table: the largest and mean difference of logits, and the queries whose first documents differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a BEIR folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--model", default="resift-small")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--dtype", default="auto")
    given = parser.parse_args()
    settings = ScorerSettings(model=given.model, backend=given.backend, dtype=given.dtype)
    predictor = load_scorer(settings=settings)
    if not isinstance(predictor, Predictor):
        parser.error("a model on a server makes its own batches; name one that runs here")
    queries = candidates(given.folder, given.split, given.queries, given.depth)
    pairs = [pair for query in queries for pair in query]
    free, fixed = PredictorModel(predictor, settings), PredictorModel(predictor, settings, fixed=True)
    mixture = np.random.default_rng(7).permutation(len(pairs)).tolist()
    alone = np.concatenate([free.run([(free.prepare([pair], None), 0)]).logits for pair in pairs])
    by_length = predictor.score(pairs).logits
    rows = {
        "alone, in batches by length": (alone, by_length),
        "two mixtures of batches": (by_length, score_mixed(free, pairs, mixture)),
        "fixed shapes, two mixtures": (
            score_mixed(fixed, pairs, range(len(pairs))),
            score_mixed(fixed, pairs, mixture),
        ),
    }
    print(f"{given.model}: {len(queries)} queries, {len(pairs)} pairs\n")
    print(f"| compared | largest difference | mean | queries whose first {CUTOFF} differ |\n|---|---|---|---|")
    for name, (one, other) in rows.items():
        apart = np.abs(one - other)
        print(f"| {name} | {apart.max():.2g} | {apart.mean():.2g} | {changed_orders(queries, one, other)} |")


if __name__ == "__main__":
    main()
