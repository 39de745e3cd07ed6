"""Read the training sources and the judged collections; nothing is written here."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .settings import LENDING, SEED, TRAINING_COLLECTIONS, UNTITLED

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Source:
    """Passages, and queries for them; a query's positives map passage to grade.

    The first ``len(positives)`` queries are labelled; the others are taken from passages.
    """

    name: str
    passages: list[str]
    queries: list[str]
    positives: list[dict[int, int]]


@dataclass(frozen=True, slots=True)
class Collection:
    """A judged split: documents and queries with their ids, and the judgements."""

    name: str
    doc_ids: list[str]
    texts: list[str]
    query_ids: list[str]
    queries: list[str]
    qrels: dict[str, dict[str, int]]


def join_title(title: str, text: str) -> str:
    """Put the title before the text, unless the text starts with it.

    >>> join_title("Iron", "A metal."), join_title("Iron", "Iron is a metal.")
    ('Iron A metal.', 'Iron is a metal.')
    """
    title, text = title.strip(), text.strip()
    return text if not title or text.startswith(title) else f"{title} {text}"


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON-lines file, gzipped or not."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open()
    with opened as lines:
        for line in lines:
            yield json.loads(line)


def sha256(path: Path) -> str:
    """Return the file's SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_collection(shared: Path, name: str, split: str) -> Collection:
    """Read one split of a BEIR folder; only queries that the split judges are kept."""
    folder = shared / "collections" / name
    rows = list(read_json_lines(folder / "corpus.jsonl.gz"))
    qrels: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / f"{split}.tsv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            qrels.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    queries = {q["_id"]: q["text"] for q in read_json_lines(folder / "queries.jsonl")}
    judged = [query_id for query_id in queries if query_id in qrels]
    return Collection(
        name=name,
        doc_ids=[row["_id"] for row in rows],
        texts=[join_title(row.get("title") or "", row["text"]) for row in rows],
        query_ids=judged,
        queries=[queries[query_id] for query_id in judged],
        qrels=qrels,
    )


def read_source(shared: Path, name: str) -> Source:
    """Read a training source by name, with the queries that are taken from its passages."""
    if name in TRAINING_COLLECTIONS:
        source, titles = _from_collection(shared, name)
    else:
        source, titles = _from_pairs(shared, name)
    if name in LENDING:
        source.queries.extend(lend_queries(source.passages, titles))
    return source


def source_files(shared: Path, name: str) -> list[Path]:
    """List the files that :func:`read_source` reads."""
    if name not in TRAINING_COLLECTIONS:
        return [shared / "training" / f"{name}.jsonl.gz"]
    folder = shared / "collections" / name
    return [folder / "corpus.jsonl.gz", folder / "queries.jsonl", folder / "qrels" / "train.tsv"]


def lend_queries(passages: list[str], titles: list[str]) -> list[str]:
    """Take one query from each passage: its title, or a sentence drawn at random."""
    random = np.random.default_rng(SEED)
    lent = []
    for passage, title in zip(passages, titles, strict=True):
        sentences = [s for s in SENTENCE_END.split(passage) if 20 <= len(s) <= 250]
        if title and (not sentences or random.random() < 0.5):
            lent.append(title)
        elif sentences:
            lent.append(sentences[int(random.integers(len(sentences)))])
    return lent


def _from_collection(shared: Path, name: str) -> tuple[Source, list[str]]:
    collection = read_collection(shared, name, "train")
    place = {doc_id: i for i, doc_id in enumerate(collection.doc_ids)}
    positives = [
        {place[d]: grade for d, grade in collection.qrels[q].items() if grade > 0 and d in place}
        for q in collection.query_ids
    ]
    corpus = shared / "collections" / name / "corpus.jsonl.gz"
    titles = [(row.get("title") or "").strip() for row in read_json_lines(corpus)]
    return Source(name, collection.texts, list(collection.queries), positives), titles


def _from_pairs(shared: Path, name: str) -> tuple[Source, list[str]]:
    places: dict[str, int] = {}
    titles: list[str] = []
    positives: dict[str, dict[int, int]] = {}
    for row in read_json_lines(shared / "training" / f"{name}.jsonl.gz"):
        title = "" if name in UNTITLED else (row["title"] or "").strip()
        passage = join_title(title, row["positive"])
        if passage not in places:
            places[passage] = len(places)
            titles.append("")  # an article's title is not a query for one of its passages
        positives.setdefault(row["query"].strip(), {})[places[passage]] = 1
    return Source(name, list(places), list(positives), list(positives.values())), titles
