"""Join all training sources into one collection in BEIR's layout, which `resift distill` reads like a user's own."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resift.indexer.corpora import read_collection
from resift.retrieval.errors import CorpusError

from .settings import UNTITLED

SPLIT = "train"
"""The judgements of the corpus that is written."""


@dataclass
class Source:
    """One source of training data: documents by id, queries by id, and which documents are relevant to each query."""

    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    queries: dict[str, str] = field(default_factory=dict)
    qrels: dict[str, dict[str, int]] = field(default_factory=dict)


def write_corpus(shared: Path, target: Path, pairs: tuple[str, ...], collections: tuple[str, ...]) -> dict[str, int]:
    """Write the BEIR folder `target` from the files `pairs` and the train splits of `collections`, and return counts.

    Ids begin with the name of their source. Raises CorpusError if a source is missing or bad, and OSError.
    """
    return write_sources(target, _sources(shared, pairs, collections), SPLIT)


def write_sources(target: Path, sources: Iterable[Source], split: str) -> dict[str, int]:
    """Write the BEIR folder `target` with the judgements `split` from all of `sources`, and return counts.

    The folder appears complete or not at all. Raises what `sources` raises, and OSError.
    """
    staged = target.with_name(f".{target.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    (staged / "qrels").mkdir(parents=True)
    counts = {"documents": 0, "queries": 0, "judgements": 0}
    with (
        gzip.open(staged / "corpus.jsonl.gz", "wt", encoding="utf-8", compresslevel=5) as corpus,
        (staged / "queries.jsonl").open("w", encoding="utf-8") as queries,
        (staged / "qrels" / f"{split}.tsv").open("w", encoding="utf-8") as qrels,
    ):
        qrels.write("query-id\tcorpus-id\tscore\n")
        for source in sources:
            for doc_id, (title, text) in source.documents.items():
                corpus.write(json.dumps({"_id": doc_id, "title": title, "text": text}, ensure_ascii=False) + "\n")
            for query_id, query in source.queries.items():
                queries.write(json.dumps({"_id": query_id, "text": query}, ensure_ascii=False) + "\n")
            for query_id, relevant in source.qrels.items():
                qrels.writelines(f"{query_id}\t{doc_id}\t{grade}\n" for doc_id, grade in relevant.items())
            counts["documents"] += len(source.documents)
            counts["queries"] += len(source.queries)
            counts["judgements"] += sum(map(len, source.qrels.values()))
    shutil.rmtree(target, ignore_errors=True)
    staged.rename(target)
    return counts


def write_dev(collection: Path, target: Path, count: int, split: str = "dev", prefix: str = "") -> int:
    """Write the BEIR folder `target`: a collection with `count` queries of its judgements `split`, and return how many.

    They are its dev judgements there. Only queries whose ids begin with `prefix` are taken, always the same ones, by
    the checksum of their ids. Raises CorpusError and OSError.
    """
    judged = read_collection(collection, split)
    texts = {one.query_id: one.text for one in judged.queries if one.query_id.startswith(prefix)}
    taken = sorted(texts, key=lambda query_id: hashlib.sha256(query_id.encode()).digest())[:count]
    staged = target.with_name(f".{target.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    (staged / "qrels").mkdir(parents=True)
    for corpus in collection.glob("corpus.jsonl*"):
        shutil.copyfile(corpus, staged / corpus.name)
    with (
        (staged / "queries.jsonl").open("w", encoding="utf-8") as queries,
        (staged / "qrels" / "dev.tsv").open("w", encoding="utf-8") as qrels,
    ):
        qrels.write("query-id\tcorpus-id\tscore\n")
        for query_id in sorted(taken):
            queries.write(json.dumps({"_id": query_id, "text": texts[query_id]}, ensure_ascii=False) + "\n")
            qrels.writelines(f"{query_id}\t{doc_id}\t{grade}\n" for doc_id, grade in judged.qrels[query_id].items())
    shutil.rmtree(target, ignore_errors=True)
    staged.rename(target)
    return len(taken)


def _sources(shared: Path, pairs: tuple[str, ...], collections: tuple[str, ...]) -> Iterator[Source]:
    for name in pairs:
        yield from_pairs(name, shared / "training" / f"{name}.jsonl.gz")
    for name in collections:
        yield from_collection(name, shared / "collections" / name, SPLIT)


def from_pairs(name: str, path: Path) -> Source:
    """Return the source of a file of pairs: each passage and each query once. Raises CorpusError."""
    source = Source()
    known: dict[tuple[str, str], str] = {}
    asked: dict[str, str] = {}
    for number, row in enumerate(_rows(path), start=1):
        try:
            title = "" if name in UNTITLED else (row["title"] or "").strip()
            text, query = row["positive"].strip(), row["query"].strip()
        except (KeyError, AttributeError, TypeError) as error:
            raise CorpusError("expected the texts query, title and positive", path, number) from error
        doc_id = known.setdefault((title, text), f"{name}-{len(known)}")
        source.documents[doc_id] = (title, text)
        query_id = asked.setdefault(query, f"{name}-{len(asked)}")
        source.queries[query_id] = query
        source.qrels.setdefault(query_id, {})[doc_id] = 1
    return source


def from_collection(name: str, folder: Path, split: str) -> Source:
    """Return the source of a collection's judgements `split`, with all of its documents. Raises CorpusError."""
    collection = read_collection(folder, split)
    documents = {f"{name}-{one.doc_id}": (one.title, one.text) for one in collection.documents()}
    qrels = {}
    for query in collection.queries:
        judged = {f"{name}-{doc}": grade for doc, grade in collection.qrels[query.query_id].items()}
        qrels[f"{name}-{query.query_id}"] = {doc: grade for doc, grade in judged.items() if doc in documents}
    return Source(documents, {f"{name}-{one.query_id}": one.text for one in collection.queries}, qrels)


def _rows(path: Path) -> Iterator[Any]:
    """Yield the values of a file of JSON lines. Raises CorpusError if it is missing or not JSON."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise CorpusError(f"is not JSON ({error})", path, number) from error
    except OSError as error:
        raise CorpusError(f"cannot be read ({error})", path) from error
