"""Read training examples from files as a stream, and write them as JSON lines or Parquet."""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from resift.indexer.corpora.delimited import read_table
from resift.indexer.corpora.json_records import read_objects
from resift.indexer.corpora.lines import numbered_lines
from resift.indexer.corpora.opening import check_file, without_compression
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.record import Record
from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.sources import record_format
from resift.indexer.corpora.tables import read_parquet
from resift.indexer.corpora.usual_names import Roles
from resift.rerank.template import Template
from resift.rerank.training.examples.columns import KNOWN, Columns, find_columns, number, to_examples
from resift.rerank.training.examples.forms import FORMS, Contrast, Example, LabelledList, LabelledPair, Pair
from resift.retrieval.errors import CorpusError
from resift.retrieval.extras import install_line

FORMATS = "JSON lines (.jsonl), CSV, TSV or Parquet"
_TABLE = Roles(
    ids=KNOWN[:1],
    titles=(),
    texts=KNOWN[1:],
    by_count={2: ("query", "document"), 3: ("query", "positive", "negative")},
    can_be_named=False,
)
"""The columns of tables; MS MARCO's triples have no header row: query, positive and negative."""
_ROW_GROUP = 1024  # examples of a Parquet file in memory at once


def read_examples(
    source: str | Path,
    template: Template | None = None,
    reading: Reading | None = None,
    on_bad: Callable[[CorpusError], object] | None = None,
) -> Iterator[Example]:
    """Yield the examples of a file, or of all such files of a folder in the order of their names, as a stream.

    JSON lines, CSV, TSV (each also compressed) and Parquet are recognized by the file's name; "-" is JSON lines from
    standard input. Which form the examples have follows from the columns of the first record, and all others must have
    it. `reading` is updated with the progress and with notes on what was assumed. `on_bad` is called with each bad
    record, which is then left out; without it, the first one raises CorpusError with its path and line, as does a
    source that cannot be read or has no example.
    """
    found, path = False, str(source)
    for file in _files(path):
        for example in _read_file(file, template or Template(), reading or Reading(), on_bad):
            found = True
            yield example
    if not found:
        raise CorpusError("contains no training examples; expected at least one", path)


def write_examples(path: str | Path, examples: Iterable[Example]) -> int:
    """Write `examples` to a file and return how many there were; the file is replaced when all are written.

    The name decides the form: .parquet, else JSON lines, compressed if it ends with .gz. Raises OSError if the file
    cannot be written, and CorpusError if Parquet is wanted and pyarrow is not installed.
    """
    target = Path(path)
    with _replacing(target) as temporary:
        if target.suffix == ".parquet":
            return _write_parquet(temporary, examples)
        count = 0
        with _text_file(temporary, compressed=target.suffix == ".gz") as file:
            for example in examples:
                file.write(to_line(example))
                count += 1
        return count


def read_written(path: Path) -> Iterator[Example]:
    """Yield the examples of JSON lines that `write_examples` wrote, with their texts unchanged.

    `read_examples` would treat the HTML of the texts a second time. Raises CorpusError if the file was damaged.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield from_line(line)
                except (KeyError, TypeError, ValueError):
                    message = "is not an example as resift writes it; make the file again"
                    raise CorpusError(message, path, number) from None
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise CorpusError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path) from None


def to_line(example: Example) -> str:
    """Return an example as one line of JSON, with its line break."""
    return json.dumps(example.to_json(), ensure_ascii=False) + "\n"


def from_line(line: str) -> Example:
    """Return the example that `to_line` wrote, with its texts unchanged.

    Raises KeyError or ValueError on another line.

    >>> from_line('{"query": "q", "document": "d", "label": 1}')
    LabelledPair(query='q', document='d', label=1.0)
    """
    values: dict[str, Any] = json.loads(line)
    if "documents" in values:
        relevance = values.get("relevance")
        grades = None if relevance is None else tuple(map(float, relevance))
        return LabelledList(values["query"], tuple(values["documents"]), tuple(map(float, values["labels"])), grades)
    if "label" in values:
        return LabelledPair(values["query"], values["document"], float(values["label"]))
    if "document" in values:
        return Pair(values["query"], values["document"])
    negatives = tuple(value for name, value in values.items() if name.startswith("negative"))
    return Contrast(values["query"], values["positive"], negatives)


def form_name(example: Example) -> str:
    """Return the name of the form of an example, in the plural: pairs, labelled pairs, triplets or labelled lists."""
    return FORMS[type(example)]


def _files(path: str) -> list[str]:
    """Return the files of a source: itself, or those of a folder that can have examples. Raises CorpusError."""
    if not Path(path).is_dir():
        check_file(path)
        return [path]
    inside = sorted(file for file in Path(path).rglob("*") if file.is_file() and not file.name.startswith((".", "_")))
    files = [str(file) for file in inside if record_format(file.name) in ("jsonl", "csv", "tsv", "parquet")]
    if not files:
        raise CorpusError(f"is a folder without training examples; expected {FORMATS}", path)
    return files


def _read_file(
    path: str, template: Template, reading: Reading, on_bad: Callable[[CorpusError], object] | None
) -> Iterator[Example]:
    columns: Columns | None = None
    with closing(_records(path, reading)) as records:
        for record in records:
            try:
                if record.problem:
                    raise ValueError(record.problem)
                columns = columns or find_columns(list(record.values))
                own = columns.for_record(record.values)
                # all of a record or nothing
                examples = [_fitting(example, record, reading) for example in to_examples(record.values, own, template)]
            except ValueError as error:
                bad = CorpusError(str(error), path, record.line)
                if on_bad is None or columns is None:
                    raise bad from None
                on_bad(bad)
                continue
            yield from examples


def _records(path: str, reading: Reading) -> Generator[Record]:
    """Yield the records of a file. Raises CorpusError if its name is not that of a known format."""
    found = "jsonl" if path == "-" else record_format(path)
    settings = CorpusSettings(text_field=",".join(KNOWN))
    if found == "parquet":
        yield from read_parquet(path, settings, reading)
    elif found in ("jsonl", "csv", "tsv"):
        with closing(numbered_lines(path, None, reading)) as lines:
            if found == "jsonl":
                yield from read_objects(lines, path, settings)
            else:
                yield from read_table(lines, path, settings, reading, quoted=found == "csv", roles=_TABLE)
    else:
        ending = Path(without_compression(path)).suffix
        raise CorpusError(f"the extension {ending!r} is not known; expected {FORMATS}", path)


def _fitting(example: Example, record: Record, reading: Reading) -> Example:
    """Return an example of a table without a header row with its third column as the label, if that is a number."""
    headless = "negative" in record.values and any("no header row" in note for note in reading.notes)
    if headless and isinstance(example, Contrast) and len(record.values) == 3:
        with suppress(ValueError):
            return LabelledPair(example.query, example.positive, number(example.negatives[0], "label"))
    return example


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Yield the path of a temporary file beside `target`, which it replaces when the block ends without an error."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:50]}.", delete=False) as file:
        temporary = Path(file.name)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _text_file(path: Path, *, compressed: bool) -> Iterator[IO[str]]:
    """Open a file for writing UTF-8; equal content gives equal bytes, also if it is compressed."""
    with open(path, "wb") as raw:
        if not compressed:
            with io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as file:
                yield file
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
            with io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as file:
                yield file


def _write_parquet(path: Path, examples: Iterable[Example]) -> int:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise CorpusError(f"pyarrow, which writes Parquet, is not installed: {install_line('corpora')}") from None
    kept = list(examples)  # all of them, as the number of columns is that of the longest
    if not kept:
        raise CorpusError("there is no example to write; a Parquet file has the columns of its first one", path)
    widest = max(kept, key=lambda one: len(one.negatives) if isinstance(one, Contrast) else 0)
    schema = pyarrow.Table.from_pylist([_floats(widest)]).schema
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, len(kept), _ROW_GROUP):
            rows = [_floats(example, schema.names) for example in kept[start : start + _ROW_GROUP]]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
    return len(kept)


def _floats(example: Example, names: Sequence[str] = ()) -> dict[str, Any]:
    """Return the columns of an example, `names` if they are given, with all numbers as float."""
    values = example.to_json()
    if "negative" in values and "negative_1" in names:
        values["negative_1"] = values.pop("negative")
    numbers: dict[str, Any] = {
        name: [float(one) for one in values[name]] for name in ("labels", "relevance") if name in values
    }
    label = {"label": float(values["label"])} if "label" in values else {}
    return {**values, **label, **numbers}
