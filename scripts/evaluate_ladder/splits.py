"""The judged collections, and the first stage's candidates of their queries, kept in the work folder."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import JudgedCollection, read_collection
from resift.rerank.evaluation.given_run import GivenRun
from resift.rerank.evaluation.self_exclusion import FirstStage, SelfExcludingFirstStage
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import SettingsError
from resift.retrieval.file_hash import sha256_of
from resift.retrieval.registry import open_retriever
from resift.retrieval.trec import read_run
from resift.retrieval.types import Document, Qrels, Query, to_run

from ..shared_data import ROOT, collections_folder

DEV = ("nfcorpus@dev", "med", "time", "squad-dev")
TEST = ("nfcorpus", "scifact", "arguana", "cranfield", "npl", "hotpotqa-dev500", "germanquad", "dl19")
PARTS = {"dev": DEV, "test": TEST, "all": (*DEV, *TEST)}
"""Groups of sets by name. Choose on dev; report on test, once."""

IN_MEAN = {"dev": DEV, "test": ("nfcorpus", "scifact", "cranfield", "npl", "hotpotqa-dev500", "dl19")}
"""The sets of each part whose macro mean is reported."""

NOT_ENGLISH = frozenset({"germanquad"})
DEPTH = 100
SEED = "12"


@dataclass(frozen=True, slots=True)
class Candidates:
    """One query with the first stage's documents, best first: `doc_ids` and `scores` are as long as each other."""

    query: Query
    doc_ids: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class JudgedSet:
    """One set of judged queries with their candidates.

    `spec`: FOLDER[@SPLIT][:RUN]. `corpus`: the SHA-256 of the texts' file. `candidates`: by query_id; a judged query
    without any is left out, and counts 0.
    """

    spec: str
    corpus: str
    qrels: Qrels
    candidates: Mapping[str, Candidates]

    @cached_property
    def sampled(self) -> list[str]:
        """The ids of the judged queries in the order of their samples: the first n are the sample of size n.

        The order is that of a hash of each id, so that samples are nested and the same for every model and machine.
        """
        return sorted(self.qrels, key=lambda query_id: hashlib.sha256(f"{SEED} {query_id}".encode()).digest())

    def digest(self, query_id: str) -> str:
        """Return what the logits of a query depend on besides the model: its text, its candidates and the corpus."""
        one = self.candidates[query_id]
        content = "\n".join((self.corpus, one.query.text, *one.doc_ids))
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def parse_sets(names: str) -> list[str]:
    """Return the specs that `names` lists: "dev", "test", "all", or FOLDER[@SPLIT][:RUN], separated by commas."""
    parts = [part.strip() for part in names.split(",") if part.strip()]
    return list(dict.fromkeys(spec for part in parts for spec in PARTS.get(part, (part,))))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a set is: `run` is the file that replaces BM25, or None."""

    folder: Path
    split: str | None
    run: Path | None

    @classmethod
    def of(cls, spec: str) -> _Place:
        """Return the place of `spec`; without a run, runs/bm25.trec is taken if it is there. Raises SettingsError."""
        name, _, run_name = spec.partition(":")
        name, _, split = name.partition("@")
        folder = collections_folder() / name
        if not folder.is_dir():
            raise SettingsError(f"{folder} does not exist; expected a BEIR folder", "sets")
        run = folder / "runs" / f"{run_name or 'bm25'}.trec"
        if run_name and not run.is_file():
            raise SettingsError(f"{run} does not exist; expected a TREC run", "sets")
        whole = "all" if run.is_file() and (folder / "qrels" / "all.trec").is_file() else None
        return cls(folder, split or whole, run if run.is_file() else None)

    def collection(self) -> JudgedCollection:
        """Read the collection. Raises CorpusError."""
        return read_collection(self.folder, self.split)

    def corpus_digest(self) -> str:
        """Return the SHA-256 of the file of the texts."""
        path = next(path for path in sorted(self.folder.glob("corpus.jsonl*")))
        return sha256_of(path)

    def digest(self) -> str:
        """Return a checksum of all that decides the candidates: the files, the depth, and the code of BM25."""
        code = sorted((ROOT / "retrieval" / "bm25").glob("*.py"))
        files = [*sorted((self.folder / "qrels").glob("*")), *self.folder.glob("queries.jsonl*"), *code]
        content = hashlib.sha256(f"{DEPTH} {self.corpus_digest()}".encode())
        for path in [*files, *([self.run] if self.run else [])]:
            content.update(path.read_bytes())
        return content.hexdigest()


def open_set(spec: str, work: Path) -> JudgedSet:
    """Return the set `spec` with its candidates, from the work folder if it has them, else by searching.

    Raises SettingsError if there is no such set, and CorpusError if it cannot be read. Without the collection, what the
    work folder has is taken.
    """
    path = work / "candidates" / f"{file_name(spec)}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    if kept is not None and not (collections_folder() / spec.partition(":")[0].partition("@")[0]).is_dir():
        return _read(kept)
    place = _Place.of(spec)
    digest = place.digest()
    if kept is None or kept["digest"] != digest:
        kept = {"spec": spec, "digest": digest, "corpus": place.corpus_digest(), **_search(place)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, [json.dumps(kept)])
    return _read(kept)


def documents_of(spec: str, wanted: set[str]) -> dict[str, Document]:
    """Return the documents of the set's corpus whose ids are `wanted`, by id. Raises CorpusError."""
    documents = _Place.of(spec).collection().documents()
    return {document.doc_id: document for document in documents if document.doc_id in wanted}


def file_name(spec: str) -> str:
    """Return the name of a set's files."""
    return spec.replace("@", "-").replace(":", "-").replace("/", "-")


def _search(place: _Place) -> dict[str, Any]:
    collection = place.collection()
    if place.run is not None:
        given = GivenRun(read_run(place.run), collection.documents(), collection.queries)
        return _found(collection, given, timed=False)
    with tempfile.TemporaryDirectory(prefix="resift-") as folder:
        index = Path(folder) / "index"
        build_index(collection.documents(), index)
        return _found(collection, open_retriever(f"bm25:{index}"), timed=True)


def _found(collection: JudgedCollection, first_stage: FirstStage, timed: bool) -> dict[str, Any]:
    stage = SelfExcludingFirstStage(first_stage, DEPTH, timed)
    run = to_run([ranking for batch in _batches(collection.queries) for ranking in stage.retrieve(batch)])
    rows = [
        {"query_id": query.query_id, "text": query.text, "hits": run[query.query_id]} for query in collection.queries
    ]
    return {"qrels": collection.qrels, "queries": rows}


def _batches(queries: Sequence[Query], size: int = 100) -> Iterator[Sequence[Query]]:
    for start in range(0, len(queries), size):
        yield queries[start : start + size]


def _read(kept: Mapping[str, Any]) -> JudgedSet:
    candidates = {
        row["query_id"]: Candidates(
            Query(row["query_id"], row["text"]), tuple(row["hits"]), tuple(map(float, row["hits"].values()))
        )
        for row in kept["queries"]
        if row["hits"]
    }
    return JudgedSet(kept["spec"], kept["corpus"], kept["qrels"], candidates)
