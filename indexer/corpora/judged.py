"""Read queries, and judged collections: a corpus with queries and judgements."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resift.indexer.corpora.columns import QUERIES
from resift.indexer.corpora.delimited import read_table
from resift.indexer.corpora.lines import check_file, numbered_lines, parse_object
from resift.indexer.corpora.records import Record
from resift.indexer.corpora.settings import ID_FIELDS, TEXT_FIELDS, CorpusSettings
from resift.indexer.corpora.sources import read_beir, read_documents
from resift.indexer.corpora.tables import nanobeir_set, read_nanobeir_table
from resift.retrieval.errors import CorpusError
from resift.retrieval.text import clean
from resift.retrieval.trec import read_qrels
from resift.retrieval.types import Document, Qrels, Query

_ID_NAMES = (*ID_FIELDS, "query_id", "query-id", "qid")
_TEXT_NAMES = (*TEXT_FIELDS, "query", "title")
_TOPIC = re.compile(r"<top>(.*?)</top>", re.DOTALL | re.IGNORECASE)
_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*([^\s<]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*(.*?)\s*(?=<|\Z)", re.DOTALL | re.IGNORECASE)


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


def read_queries(source: str | Path, settings: CorpusSettings | None = None) -> Iterator[Query]:
    """Yield the queries of a file, in the order of the file.

    The format is the first that applies:

    - CSV with a header row, if the name ends in .csv (each name may have .gz after it);
    - JSON lines, if the name ends in .jsonl, .ndjson or .json, or the first line is a JSON object;
    - TREC topics, if the file begins with <top>;
    - id, tab, text on each line, if the first line has a tab;
    - else one query per line; its id is its number, from 1.

    The id of JSON and CSV is in `_id`, `id` or another usual name, the text in `text`, `query` or `title`; `id_field`
    and `text_field` of `settings` name others. `settings.encoding` is used too. Raises CorpusError on a bad line, an id
    that occurs twice, an empty query, and a file without queries.
    """
    path = str(source)
    settings = settings or CorpusSettings()
    check_file(path)
    seen: dict[str, int] = {}
    for line, query_id, text in _queries(path, settings):
        query = Query(clean(query_id.strip()), clean(text.strip()))
        if not query.query_id or not query.text:
            raise CorpusError("the query id or text is empty; expected both", path, line)
        if query.query_id in seen:
            first = seen[query.query_id]
            raise CorpusError(
                f"the query id {query.query_id!r} was already used in line {first}; expected it once", path, line
            )
        seen[query.query_id] = line
        yield query
    if not seen:
        raise CorpusError("contains no queries; expected at least one", path)


def _queries(path: str, settings: CorpusSettings) -> Iterator[tuple[int, str, str]]:
    """Yield (line, id, text) for each query, unchecked."""
    if path.lower().removesuffix(".gz").endswith(".csv"):
        yield from _csv_queries(path, settings)
        return
    lines = _lines(path, _requested_encoding(settings))  # read once: standard input cannot be read again
    begin = list(itertools.islice(lines, 1))
    first = begin[0][1] if begin else ""
    lines = itertools.chain(begin, lines)
    if path.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson", ".json")) or not parse_object(first)[1]:
        for line, text in lines:
            yield line, *_json_query(text, path, line, settings)
        return
    if first.strip().lower().startswith("<top>"):
        yield from _topics(path, list(lines))
        return
    tabbed, number = "\t" in first, 0
    for number, (line, text) in enumerate(lines, start=1):
        query_id, tab, rest = text.partition("\t")
        if tabbed and not tab:
            raise CorpusError("no tab in this line; expected id, tab, text as in the first line", path, line)
        if tabbed and number == 1 and query_id.strip().lower() in _ID_NAMES:
            continue  # a header row
        yield (line, query_id, rest) if tabbed else (line, str(number), text)


def _requested_encoding(settings: CorpusSettings) -> str | None:
    """Return the encoding if it is not the default; else None, as for the commands without such an option."""
    return settings.encoding if settings.encoding != "utf-8" else None


def _lines(path: str, encoding: str | None) -> Iterator[tuple[int, str]]:
    for number, text, problem in numbered_lines(path, encoding):
        if problem:
            raise CorpusError(problem, path, number)
        if text.strip():
            yield number, text


def _csv_queries(path: str, settings: CorpusSettings) -> Iterator[tuple[int, str, str]]:
    found = False
    lines = numbered_lines(path, _requested_encoding(settings))
    for record in read_table(lines, path, settings, quoted=True, roles=QUERIES):
        if record.problem:
            raise CorpusError(record.problem, path, record.line)
        found = True
        query_id = _cell(record, settings.id_field, _ID_NAMES)
        yield record.line or 0, query_id, _cell(record, settings.text_field, _TEXT_NAMES)
    if not found:
        raise CorpusError("contains no queries below a header row; put one query per line into a .txt file", path)


def _cell(record: Record, given: str | None, usual: Sequence[str]) -> str:
    """Return the value of the column `given`, or, if that is None, of the first of `usual`; case is ignored."""
    names = {name.lower(): name for name in record.values}
    wanted = usual if given is None else [given.lower()]
    found = next((names[name] for name in wanted if name in names), None)
    if found is None:
        there = ", ".join(map(repr, record.values))[:200]
        hint = "put one query per line into a .txt file"
        raise CorpusError(f"the header row has {there} but none of {', '.join(wanted)}; {hint}", record.path)
    return str(record.values[found])


def _json_query(text: str, path: str, line: int, settings: CorpusSettings) -> tuple[str, str]:
    values, problem = parse_object(text)
    ids = (settings.id_field,) if settings.id_field else _ID_NAMES
    texts = (settings.text_field,) if settings.text_field else _TEXT_NAMES
    query_id = next((values[name] for name in ids if name in values), None)
    content = next((values[name] for name in texts if name in values), None)
    if not problem and (isinstance(query_id, bool) or not isinstance(query_id, str | int)):
        problem = f"no {_quoted_names(settings.id_field, '_id', 'id')} that is a text or a whole number"
    if not problem and not isinstance(content, str):
        problem = f"no {_quoted_names(settings.text_field, 'text', 'query')} that is a text"
    if problem:
        raise CorpusError(problem, path, line)
    return str(query_id), str(content)


def _quoted_names(given: str | None, *usual: str) -> str:
    return " or ".join(f'"{name}"' for name in ((given,) if given else usual))


def _topics(path: str, lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
    whole = "\n".join(text for _, text in lines)
    for topic in _TOPIC.finditer(whole):
        line = lines[whole.count("\n", 0, topic.start())][0]
        number, title = _NUMBER.search(topic.group(1)), _TITLE.search(topic.group(1))
        if number is None or title is None:
            raise CorpusError("the topic has no <num> or no <title>; expected both", path, line)
        yield line, number.group(1), " ".join(title.group(1).split())


def read_collection(folder: str | Path, split: str | None = None) -> JudgedCollection:
    """Return the collection in a BEIR folder with the judgements `split`; by default test, or dev if there is no test.

    Judgements are in qrels/SPLIT.tsv (BEIR) or qrels/SPLIT.trec. Raises CorpusError if a file is missing or bad.
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
    wanted = [split] if split is not None else ["test", "dev"]
    for name in wanted:
        for ending in (".tsv", ".trec"):
            if (root / "qrels" / f"{name}{ending}").is_file():
                return name, root / "qrels" / f"{name}{ending}"
    there = (
        sorted({path.stem for path in (root / "qrels").iterdir() if path.suffix in (".tsv", ".trec")})
        if (root / "qrels").is_dir()
        else []
    )
    has = f"it has {', '.join(there)}; name one with --split" if there else "it has no judgements at all"
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
