"""The requests: queries of a judged collection, each with its first candidates by BM25."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import read_collection
from resift.rerank.scorer import Pair
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.types import Query, Ranking

from ..shared_data import ROOT, collections_folder
from .figures import say

COLLECTIONS = ("nfcorpus", "med")
"""The judged collections that are looked for, in this order; else the demo's documents are used."""

SHORT_WORDS = 15
SHORT_DOCUMENTS = (2, 10)
LONG_LIST = 100
LONG_SHARE = 0.03
"""In a soak, this share of the requests has `LONG_LIST` documents, the others `SHORT_DOCUMENTS`, each of few words."""

SPARE = 20
"""Further candidates, for those that have the same text as another one."""

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Request:
    """One query with its documents."""

    query: str
    documents: tuple[str, ...]

    @property
    def pairs(self) -> list[Pair]:
        """The pairs that a scorer reads."""
        return [(self.query, document) for document in self.documents]

    @property
    def body(self) -> str:
        """The JSON of `/v1/rerank`, on one line."""
        return json.dumps({"query": self.query, "documents": self.documents})


def requests_of(folder: Path | None, count: int, documents: int) -> list[Request]:
    """Return `count` requests with `documents` candidates each, from a BEIR folder or a collection that is there.

    If the queries are too few, they are used again with a number before them, so that no two requests are equal.
    Raises ClickException if no query has so many candidates, and ResiftError.
    """
    with tempfile.TemporaryDirectory(prefix="resift-") as place:
        source = folder or _usual(Path(place))
        say(f"BM25's first {documents} of {source.name}")
        found: list[Request] = []
        for ranking in _rankings(source, Path(place) / "index", documents + SPARE):
            texts = dict.fromkeys(f"{hit.document.title} {hit.document.text}".strip() for hit in ranking.hits)
            if len(texts) >= documents:
                found.append(Request(ranking.query.text, tuple(texts)[:documents]))
            if len(found) == count:
                return found
    if not found:
        raise click.ClickException(f"no query of {source} has {documents} candidates; ask for fewer")
    return [
        one if turn == 0 else Request(f"{turn} {one.query}", one.documents)
        for turn in range(-(-count // len(found)))
        for one in found
    ][:count]


def small_requests(folder: Path | None, count: int) -> list[Request]:
    """Return `count` requests of a soak: few short documents each, and some with many. Raises as `requests_of` does."""
    sources = requests_of(folder, min(count, 200), 20)
    texts = [" ".join(text.split()[:SHORT_WORDS]) for one in sources for text in one.documents]
    chosen = random.Random(3)
    sizes = (LONG_LIST if chosen.random() < LONG_SHARE else chosen.randint(*SHORT_DOCUMENTS) for _ in range(count))
    return [Request(chosen.choice(sources).query, tuple(chosen.choices(texts, k=size))) for size in sizes]


def write_bodies(requests: Sequence[Request], path: Path) -> str:
    """Write one body per line, and return the path as a plan has it."""
    path.write_text("".join(request.body + "\n" for request in requests), encoding="utf-8")
    return str(path)


def _usual(place: Path) -> Path:
    """Return the folder of the first collection that is there, else that of the demo, written below `place`."""
    for name in COLLECTIONS:
        if (collections_folder() / name).is_dir():
            return collections_folder() / name
    subprocess.run(
        [sys.executable, str(ROOT / "demo" / "corpus.py"), str(place / "demo")], check=True, stdout=subprocess.DEVNULL
    )
    return place / "demo"


def _rankings(source: Path, index: Path, depth: int) -> Iterator[Ranking]:
    """Yield the rankings of the queries of all judgements, those of test first."""
    splits = sorted((path.stem for path in (source / "qrels").glob("*.tsv")), key=lambda name: (name != "test", name))
    collections = (read_collection(source, split) for split in splits)
    seen: set[str] = set()
    retriever: Bm25Retriever | None = None
    for collection in collections:
        if retriever is None:
            build_index(collection.documents(), index)
            retriever = Bm25Retriever.open(index)
        texts = dict.fromkeys(one.text for one in collection.queries if one.text not in seen)
        new = [Query(text, text) for text in texts]
        seen.update(texts)
        for start in range(0, len(new), _BATCH):
            yield from retriever.retrieve(new[start : start + _BATCH], depth)
