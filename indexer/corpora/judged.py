"""Read judged collections: a corpus with queries and judgements."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from resift.indexer.corpora.queries import read_queries
from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.sources import read_beir, read_documents
from resift.indexer.corpora.tables import nanobeir_set, read_nanobeir_table
from resift.retrieval.errors import CorpusError
from resift.retrieval.text import clean
from resift.retrieval.trec import read_qrels
from resift.retrieval.types import Document, Qrels, Query

_QRELS_ENDINGS = tuple(
    f"{ending}{packed}" for ending in (".tsv", ".trec", ".jsonl", ".csv", ".txt") for packed in ("", ".gz")
)


@dataclass(frozen=True, slots=True)
class JudgedCollection:
    """A corpus with judged queries.

    `documents()` reads the corpus again at each call. `queries` has only the judged queries. `split` is the name of the
    judgements. `first_stage` is query_id -> doc_ids, best first, if the collection includes a ranking.
    """

    name: str
    documents: Callable[[], Iterator[Document]]
    queries: list[Query]
    qrels: Qrels
    split: str
    first_stage: dict[str, list[str]] | None = None


def read_collection(folder: str | Path, split: str | None = None) -> JudgedCollection:
    """Return the collection in a BEIR folder with the judgements `split`; by default test, or dev if there is no test.

    Judgements are in qrels/SPLIT.tsv (BEIR), or the ending is .trec, .jsonl, .csv or .txt; all may be compressed with
    gzip. Raises CorpusError if a file is missing or bad.
    """
    root = Path(folder)
    if not root.is_dir():
        raise CorpusError("is not a folder; expected a BEIR folder (corpus.jsonl, queries.jsonl, qrels/)", root)
    chosen, path = _split_file(root, split)
    qrels = read_qrels(path)
    queries = next((root / name for name in ("queries.jsonl", "queries.jsonl.gz") if (root / name).is_file()), None)
    if queries is None:
        raise CorpusError("has no queries.jsonl or queries.jsonl.gz; expected a BEIR folder", root)
    judged = [query for query in read_queries(queries) if query.query_id in qrels]
    if not judged:
        raise CorpusError(f"has no judgements for the queries in {queries.name}; do the query ids match?", path)
    read_beir(str(root), CorpusSettings())  # raises CorpusError if the corpus is missing
    documents = functools.partial(read_documents, str(root), CorpusSettings(format="beir"))
    return JudgedCollection(root.resolve().name, documents, judged, qrels, chosen)


def choose_split(folder: str | Path, split: str | None = None) -> str:
    """Return the name of the judgements that `read_collection` uses. Raises CorpusError if they do not exist."""
    return _split_file(Path(folder), split)[0]


def _split_file(root: Path, split: str | None) -> tuple[str, Path]:
    folder = root / "qrels"
    there: dict[str, Path] = {}
    for ending in _QRELS_ENDINGS:
        for path in sorted(folder.glob(f"*{ending}")):
            there.setdefault(path.name.removesuffix(ending), path)
    wanted = [split] if split is not None else ["test", "dev"]
    for name in wanted:
        if name in there:
            return name, there[name]
    has = f"it has {', '.join(sorted(there))}; name one as `split`" if there else "it has no judgements at all"
    raise CorpusError(f"has no judgements {' or '.join(f'qrels/{name}.tsv' for name in wanted)}; {has}", root)


def read_nanobeir(name: str, root: str | Path | None = None, revision: str | None = None) -> JudgedCollection:
    """Return one NanoBEIR set, from the hub or from a local copy `root` in the hub's layout.

    Raises CorpusError if it cannot be read or has other columns.
    """
    where = Path(root) if root is not None else None
    table = functools.partial(read_nanobeir_table, name, root=where, revision=revision)
    full = nanobeir_set(name)
    try:
        corpus = [Document(str(row["_id"]), *_text_and_title(row)) for row in table("corpus")]
        queries = [Query(str(row["_id"]), _text_and_title(row)[0]) for row in table("queries")]
        stored = {str(row["query-id"]): [str(doc_id) for doc_id in row["corpus-ids"]] for row in table("bm25")}
        qrels: Qrels = {}
        for row in table("qrels"):
            found = row["corpus-id"]
            for doc_id in found if isinstance(found, list) else [found]:
                qrels.setdefault(str(row["query-id"]), {})[str(doc_id)] = int(row.get("score", 1))
    except KeyError as error:
        raise CorpusError(f"{full} has no column {error}; expected the columns of NanoBEIR", where) from None
    except (TypeError, ValueError) as error:
        raise CorpusError(
            f"{full} has a column of another type ({error}); expected the types of NanoBEIR", where
        ) from None
    judged = [query for query in queries if query.query_id in qrels]
    if not judged:
        raise CorpusError(f"{full} has no judgements for its queries; do the tables belong together?", where)
    return JudgedCollection(full, lambda: iter(corpus), judged, qrels, "test", stored)


def _text_and_title(row: Mapping[str, object]) -> tuple[str, str]:
    text, title = row["text"], row.get("title") or ""
    if not isinstance(text, str) or not isinstance(title, str):
        raise TypeError("a text or title is not a string")
    return clean(text), clean(title)
