"""Compare loading with the clients' own parallel_bulk, and measure the time that resift adds to a search.

    python -m scripts.bench_engines http://127.0.0.1:9200 --documents 200000

One run loads the same documents with both, in alternating order, into indices with the same settings. It creates and
removes the indices `resift-bench-*` of the given engine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import elasticsearch.helpers
import opensearchpy.helpers

from resift.indexer.corpora import read_documents
from resift.indexer.engine.load import Loader, LoadRequest
from resift.indexer.engine.mapping import Origin, index_body, rename_fields, source_of
from resift.indexer.engine.settings import LoadSettings
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import Engine, connect
from resift.retrieval.engine.retriever import EngineRetriever
from resift.retrieval.types import Query
from scripts.bench_bm25 import synthetic_queries
from scripts.bench_scale import write_corpus

INDEX = "resift-bench"
SETTINGS = LoadSettings(replicas=0)


def by_resift(url: str, source: str) -> int:
    """Load with our loader; return the number of documents."""
    address = read_address(f"{url}/{INDEX}-ours")
    with tempfile.TemporaryDirectory() as state:
        request = LoadRequest(source, state=Path(state))
        return (
            Loader(connect(address), address, Bm25Settings(), SETTINGS)
            .load(read_documents(source, unique=False), request)
            .documents
        )


def by_helper(url: str, source: str) -> int:
    """Load with the client's parallel_bulk, with equal threads and request sizes; return the number of documents."""
    name = f"{INDEX}-helper"
    engine = connect(read_address(f"{url}/{name}"))
    engine.request("PUT", f"/{name}", index_body(Bm25Settings(), SETTINGS, Origin(name, "helper")))
    helpers: Any = elasticsearch.helpers if engine.flavour == "elasticsearch" else opensearchpy.helpers

    def actions() -> Iterator[dict[str, Any]]:
        for document in read_documents(source, unique=False):
            yield {"_index": name, "_id": document.doc_id, "_source": source_of(rename_fields(document))}

    sizes: dict[str, Any] = {
        "chunk_size": SETTINGS.bulk_documents,
        "max_chunk_bytes": int(SETTINGS.bulk_megabytes * 1e6),
    }
    for fine, item in helpers.parallel_bulk(engine.client, actions(), thread_count=SETTINGS.workers, **sizes):
        assert fine, item
    engine.request("PUT", f"/{name}/_settings", {"index": {"refresh_interval": None}})
    engine.request("POST", f"/{name}/_refresh", timeout=300)
    return int(engine.request("GET", f"/{name}/_count")["count"])


def measured(kind: str, url: str, source: str) -> dict[str, float]:
    """Run one load in a separate process; return documents, seconds and peak resident megabytes."""
    command = [sys.executable, "-m", "scripts.bench_engines", url, "--child", kind, "--source", source]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def overhead(engine: Engine, url: str, texts: Sequence[str]) -> dict[str, float]:
    """Return medians over single searches, in milliseconds: the engine's `took`, the transport, and our own work.

    `transport` is the time of the client's plain request with the same body minus `took`; `ours` is what `retrieve`
    adds to the plain request.
    """
    retriever = EngineRetriever(engine, f"{url}/{INDEX}-ours")
    took, plain, whole = [], [], []
    for number, text in enumerate(texts):
        query = Query("q", text)
        params = {"preference": "bench", "filter_path": "took,_shards,timed_out,hits.hits"}
        steps = [0, 1] if number % 2 else [1, 0]
        for step in steps:
            started = time.perf_counter()
            if step:
                retriever.retrieve([query], 100)
                whole.append(1000 * (time.perf_counter() - started))
            else:
                response = engine.request("POST", f"/{INDEX}-ours/_search", retriever.body(query, 100), params)
                plain.append(1000 * (time.perf_counter() - started))
                took.append(float(response["took"]))
    took, plain, whole = took[20:], plain[20:], whole[20:]
    ours = statistics.median(w - p for w, p in zip(whole, plain, strict=True))
    transport = statistics.median(p - t for p, t in zip(plain, took, strict=True))
    return {"took": statistics.median(took), "transport": transport, "ours": ours}


@click.command()
@click.argument("url")
@click.option("--documents", default=200_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--child", type=click.Choice(["resift", "helper"]), hidden=True)
@click.option("--source", hidden=True)
def main(url: str, documents: int, rounds: int, child: str | None, source: str | None) -> None:
    """Benchmark the engine at URL; use one that may be put under load."""
    if child and source:
        started = time.perf_counter()
        count = (by_resift if child == "resift" else by_helper)(url, source)
        seconds = time.perf_counter() - started
        print(json.dumps({"documents": count, "seconds": seconds, "megabytes": peak_megabytes()}))
        return
    engine = connect(read_address(f"{url}/{INDEX}"))
    print(f"{engine.flavour} {engine.version}, {documents:,} documents")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "corpus.jsonl")
        queries = synthetic_queries(write_corpus(Path(path), documents), 320)
        for number in range(rounds):
            remove(engine)
            kinds = ["resift", "helper"] if number % 2 else ["helper", "resift"]
            found = {kind: measured(kind, url, path) for kind in kinds}
            ratios.append(found["helper"]["seconds"] / found["resift"]["seconds"])
            for kind in ("resift", "helper"):
                one = found[kind]
                rate = one["documents"] / one["seconds"]
                print(f"  {kind:7} {one['documents']:,.0f} in, {rate:,.0f} documents/s, peak {one['megabytes']:.0f} MB")
    rounds_shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"  rate against parallel_bulk: {statistics.median(ratios):.2f} (rounds: {rounds_shown})")
    parts = overhead(engine, url, queries)
    print("  a search, median ms: " + ", ".join(f"{name} {value:.2f}" for name, value in parts.items()))
    remove(engine)


def peak_megabytes() -> float:
    """Return the peak resident size of this process in MB; getrusage would include the parent's before exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def remove(engine: Engine) -> None:
    """Remove the indices of this benchmark."""
    for name in engine.request("GET", f"/{INDEX}-*"):
        engine.request("DELETE", f"/{name}")


if __name__ == "__main__":
    main()
