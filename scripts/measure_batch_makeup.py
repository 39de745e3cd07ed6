"""Measure whether the make-up of a batch changes scores and orders: pairs by themselves, and in two mixtures.

By themselves is how `resift serve --deterministic` scores them.

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


def score_mixed(model: PredictorModel, pairs: Sequence[Pair], seed: int) -> NDArray[np.float32]:
    """Return the logits of `pairs`, float32 (n,), in batches of pairs that were drawn by `seed`."""
    prepared = model.prepare(pairs, None)
    logits = np.empty(len(pairs), dtype=np.float32)
    waiting = np.random.default_rng(seed).permutation(len(pairs)).tolist()
    most = max(1, model.budget // int(prepared.lengths.max()))
    for start in range(0, len(waiting), most):
        batch = waiting[start : start + most]
        logits[batch] = model.run([(prepared, row) for row in batch]).logits
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
    model = PredictorModel(predictor, settings)
    one, other = (score_mixed(model, pairs, seed) for seed in (1, 2))
    alone = np.concatenate([model.run([(model.prepare([pair], None), 0)]).logits for pair in pairs])
    rows = {"by itself, in one mixture": (alone, one), "in two mixtures": (one, other)}
    print(f"{given.model}: {len(queries)} queries, {len(pairs)} pairs\n")
    print(f"| compared | largest difference | mean | queries whose first {CUTOFF} differ |\n|---|---|---|---|")
    for name, (first, second) in rows.items():
        apart = np.abs(first - second)
        print(f"| {name} | {apart.max():.2g} | {apart.mean():.2g} | {changed_orders(queries, first, second)} |")


if __name__ == "__main__":
    main()
