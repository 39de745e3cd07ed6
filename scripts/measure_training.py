"""Measure what ``resift train`` gains on pairs of one source, on other queries and sources than it was chosen by.

    python -m scripts.measure_training WORK --source stackexchange --source arguana

Of each source, PAIRS pairs are trained on with the defaults, and other QUERIES queries judge the model and its base, by
``resift gate``, over the source's documents. A source is a file of "training" or a collection of "collections" of the
shared data. What is finished in WORK is not made again.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import ResiftError
from scripts.shared_data import collections_folder, shared_folder
from scripts.train_ladder.sources import Source, from_collection, from_pairs, write_sources

MEASURE = "ndcg@10"
COLUMNS = ("first_stage", "base_alone", "model_alone", "base", "model")
"""The rankings of the gate that are shown."""


def read_source(name: str) -> Source:
    """Return the documents, queries and judgements of a source. Raises CorpusError."""
    path = shared_folder() / "training" / f"{name}.jsonl.gz"
    if path.is_file():
        return from_pairs(name, path)
    return from_collection(name, collections_folder() / name, "test")


def divide(source: Source, pairs: int, queries: int) -> tuple[list[str], list[str]]:
    """Return the ids of `pairs` queries to train on and of `queries` others, by the checksum of their ids."""
    answered = [query for query, judged in source.qrels.items() if any(doc in source.documents for doc in judged)]
    mixed = sorted(answered, key=lambda query: hashlib.sha256(query.encode()).digest())
    return mixed[queries : queries + pairs], mixed[:queries]


def write_pairs(source: Source, queries: Iterable[str], path: Path) -> None:
    """Write one pair of each query, with its first relevant document."""
    rows = []
    for query in queries:
        doc_id = next(doc for doc in source.qrels[query] if doc in source.documents)
        title, text = source.documents[doc_id]
        rows.append({"query": source.queries[query], "document": {"title": title, "text": text}})
    write_file(path, [json.dumps(row, ensure_ascii=False) + "\n" for row in rows])


def write_judged(source: Source, queries: Iterable[str], folder: Path) -> None:
    """Write a BEIR folder with all documents and the dev judgements of `queries`."""
    asked = list(queries)
    texts = {query: source.queries[query] for query in asked}
    qrels = {query: source.qrels[query] for query in asked}
    write_sources(folder, [Source(source.documents, texts, qrels)], "dev")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is measured: the number of pairs, the number of queries that judge, and options of `resift train`."""

    pairs: int
    queries: int
    options: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON keeps it."""
        return {**asdict(self), "options": list(self.options)}


def train(name: str, folder: Path, asked: Asked) -> float:
    """Train on the pairs of a source in `folder`, unless that was done, and return the minutes.

    Raises ClickException if the folder has what was asked with other values, or the training fails.
    """
    done = folder / "trained.json"
    if done.is_file():
        kept = json.loads(done.read_text(encoding="utf-8"))
        if kept["asked"] != asked.as_json():
            raise click.ClickException(f"{folder} was trained with other values; name another WORK")
        return float(kept["minutes"])
    folder.mkdir(parents=True, exist_ok=True)
    source = read_source(name)
    trained_on, judging = divide(source, asked.pairs, asked.queries)
    write_pairs(source, trained_on, folder / "pairs.jsonl")
    write_judged(source, judging, folder / "judged")
    begun = time.monotonic()
    _resift("train", str(folder / "pairs.jsonl"), "--out", str(folder / "model"), "--overwrite", *asked.options)
    minutes = (time.monotonic() - begun) / 60
    write_file(done, [json.dumps({"asked": asked.as_json(), "minutes": minutes})])
    return minutes


def judge(folder: Path, cache: Path) -> dict[str, Any]:
    """Return the gate's report on the model in `folder`, against its base, on the queries that judge."""
    record = json.loads((folder / "model" / "training.json").read_text(encoding="utf-8"))
    given = ["--dev", str(folder / "judged"), "--base", record["base"]["name"], "--gate-cache", str(cache), "--json"]
    report: dict[str, Any] = json.loads(_resift("gate", str(folder / "model"), *given))
    return report


def _resift(*arguments: str) -> str:
    """Return what a command line of resift prints; an exit code of 1 is a model that was not promoted."""
    done = subprocess.run([sys.executable, "-m", "resift", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        raise click.ClickException(f"resift {arguments[0]} failed ({done.returncode})")
    return done.stdout


def row(name: str, asked: Asked, report: dict[str, Any], minutes: float) -> str:
    """Return a source's line of the table."""
    [judged] = report["sets"]
    means = " | ".join(f"{judged['means'][column][MEASURE]:.4f}" for column in COLUMNS)
    gain = judged["versus"]["base"]["comparison"]
    interval = f"{gain['difference']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]"
    return f"| {name} | {asked.pairs} | {judged['queries']} | {means} | {interval} | {minutes:.0f} |"


@click.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.option("--source", "names", multiple=True, required=True, help="Can be given again.")
@click.option("--pairs", default=1000, show_default=True, help="How many pairs are trained on.")
@click.option("--queries", default=200, show_default=True, help="How many other queries judge.")
@click.option("--option", "options", multiple=True, help="A further option of `resift train`: --option=--epochs=2.")
def main(work: Path, names: tuple[str, ...], pairs: int, queries: int, options: tuple[str, ...]) -> None:
    """Train on pairs of each source, and print what that gained on other queries."""
    asked, rows = Asked(pairs, queries, options), []
    try:
        for name in names:
            minutes = train(name, work / name, asked)
            rows.append(row(name, asked, judge(work / name, work / "cache"), minutes))
    except ResiftError as error:
        raise click.ClickException(str(error)) from error
    print("| source | pairs | queries | BM25 | base alone | trained alone | base | trained | gain | minutes |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
