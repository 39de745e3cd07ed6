"""Compare the three first stages, embedded BM25, Elasticsearch and OpenSearch, on every judged collection.

    python -m scripts.compare_engines http://127.0.0.1:9200 http://127.0.0.1:9202 [NAME ...] [--rerank]

With --rerank the default model reranks the hits of each, and nDCG@10 is shown before and after.

Reads BEIR folders under $RESIFT_SHARED/collections. Each collection is loaded into the index `resift-compare` of the
given engines, which is removed afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import JudgedCollection, read_collection
from resift.indexer.engine.load import Loader, LoadRequest
from resift.indexer.engine.settings import LoadSettings
from resift.rerank.evaluation.measures import mean, per_query
from resift.rerank.evaluation.self_exclusion import SelfExcludingFirstStage
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import connect
from resift.retrieval.registry import open_retriever
from resift.retrieval.types import Run, to_run
from scripts.evaluate_collections import MORE_SPLITS
from scripts.shared_data import collections_folder

DEPTH = 100
Runs = tuple[Run, ...]


def embedded(collection: JudgedCollection, reranker: Reranker | None) -> Runs:
    """Return the embedded first stage's runs."""
    with tempfile.TemporaryDirectory() as folder:
        build_index(collection.documents(), Path(folder) / "index")
        return run_of(f"bm25:{folder}/index", collection, reranker)


def loaded(collection: JudgedCollection, url: str, reranker: Reranker | None) -> Runs:
    """Load the collection into the engine at `url`; return its runs."""
    address = read_address(f"{url}/resift-compare")
    engine = connect(address)
    with tempfile.TemporaryDirectory() as state:
        request = LoadRequest(collection.name, overwrite=True, state=Path(state))
        Loader(engine, address, Bm25Settings(), LoadSettings(replicas=0)).load(collection.documents(), request)
    try:
        return run_of(str(address), collection, reranker)
    finally:
        engine.request("DELETE", address.path)


def run_of(target: str, collection: JudgedCollection, reranker: Reranker | None) -> Runs:
    """Return the runs of the judged queries, before and after reranking; without a reranker only the former."""
    queries = [query for query in collection.queries if query.query_id in collection.qrels]
    rankings = SelfExcludingFirstStage(open_retriever(target), DEPTH).retrieve(queries)
    if reranker is None:
        return (to_run(rankings),)
    return to_run(rankings), to_run(result.ranking for result in reranker.rerank(rankings))


def overlap(one: Run, other: Run) -> float:
    """Return the mean over queries of |intersection| / |union| of the documents of two runs."""
    shares = []
    for query_id, documents in one.items():
        either = documents.keys() | other.get(query_id, {}).keys()
        shares.append(len(documents.keys() & other.get(query_id, {}).keys()) / len(either) if either else 1.0)
    return sum(shares) / len(shares)


@click.command()
@click.argument("elasticsearch")
@click.argument("opensearch")
@click.argument("names", nargs=-1)
@click.option("--rerank", is_flag=True, help="Rerank with the default model, and show nDCG@10 before and after.")
def main(elasticsearch: str, opensearch: str, names: Sequence[str], rerank: bool) -> None:
    """Compare the first stages on the collections NAMES, or on all if none is named."""
    reranker = Reranker(load_scorer("resift-small")) if rerank else None
    print("| collection | embedded | Elasticsearch | OpenSearch | widest gap | top 100 shared: with ES | with OS |")
    print("|---|---|---|---|---|---|---|")
    for folder in sorted(path for path in collections_folder().iterdir() if path.is_dir()):
        if names and folder.name not in names:
            continue
        for split in MORE_SPLITS.get(folder.name, (None,)):
            collection = read_collection(folder, split)
            found = [embedded(collection, reranker)]
            found += [loaded(collection, url, reranker) for url in (elasticsearch, opensearch)]
            values = [[mean(per_query(collection.qrels, run))["ndcg@10"] for run in runs] for runs in found]
            gaps = [f"{max(stage) - min(stage):.4f}" for stage in zip(*values, strict=True)]
            shared = [f"{overlap(found[0][0], runs[0]):.3f}" for runs in found[1:]]
            label = f"{folder.name} {split or ''}".strip()
            cells = [label, *(" → ".join(f"{value:.4f}" for value in one) for one in values), " → ".join(gaps), *shared]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
