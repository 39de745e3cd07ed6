"""Read corpora with other libraries: Parquet with pyarrow, ir_datasets, NanoBEIR with datasets."""

from __future__ import annotations

import glob
import importlib
import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resift.indexer.corpora.opening import open_bytes
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.record import Record
from resift.indexer.corpora.settings import CorpusSettings
from resift.retrieval.errors import CorpusError
from resift.retrieval.extras import install_line
from resift.retrieval.text import error_line
from resift.retrieval.text_lines import STANDARD_INPUT

NANOBEIR_HUB = "sentence-transformers/NanoBEIR-en"
NANOBEIR_SETS = (
    "NanoClimateFEVER",
    "NanoDBPedia",
    "NanoFEVER",
    "NanoFiQA2018",
    "NanoHotpotQA",
    "NanoMSMARCO",
    "NanoNFCorpus",
    "NanoNQ",
    "NanoQuoraRetrieval",
    "NanoSCIDOCS",
    "NanoArguAna",
    "NanoSciFact",
    "NanoTouche2020",
)
"""The thirteen sets; each is a split of every table on the hub."""
_BATCH_ROWS = 1024  # rows of a Parquet file in memory at once


def read_parquet(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each row of a Parquet file, or of all Parquet files of a folder in order of their names.

    Raises CorpusError if pyarrow is not installed or a file cannot be read.
    """
    files = [path]
    if Path(path).is_dir():
        files = sorted(
            str(file) for file in Path(path).rglob("*.parquet") if file.is_file() and file.name[0] not in "._"
        )
    if not files:
        raise CorpusError("contains no .parquet file; expected at least one", path)
    parquet = _library("pyarrow.parquet")
    for number, file in enumerate(files):
        try:
            with parquet.ParquetFile(_seekable(file)) as table:
                row = 0
                for batch in table.iter_batches(batch_size=_BATCH_ROWS):
                    if reading is not None:  # assumes that the files of a folder have equally many rows
                        rows = table.metadata.num_rows
                        reading.count(number * rows + row, len(files) * rows)
                    for values in batch.to_pylist(maps_as_pydicts="lossy"):
                        row += 1
                        yield Record(file, row, values)
        except FileNotFoundError:
            raise CorpusError("does not exist; expected a file", file) from None
        except Exception as error:  # pyarrow's own, OSError, ValueError, OverflowError, NotImplementedError …
            raise CorpusError(f"cannot be read as Parquet ({error_line(error)}); is the file complete?", file) from None


def _seekable(path: str) -> str | io.BytesIO:
    """Return `path`, or all of standard input, which Parquet is read from its end."""
    if path != STANDARD_INPUT:
        return path
    with open_bytes(path) as file:
        return io.BytesIO(file.read())


def read_ir_dataset(source: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each document of `ir_datasets:NAME`. Raises CorpusError if the library cannot read it."""
    name = source.removeprefix("ir_datasets:")
    library = _library("ir_datasets")
    try:
        dataset = library.load(name)
    except KeyError:
        raise CorpusError(
            f"ir_datasets has no data set {name!r}; expected a name listed at ir-datasets.com", source
        ) from None
    try:
        if not hasattr(dataset, "docs_iter"):
            raise CorpusError(f"{name!r} does not contain documents; name the dataset that contains them", source)
        total = dataset.docs_count() if reading is not None and dataset.docs_count else 0
        for number, document in enumerate(dataset.docs_iter(), start=1):
            if reading is not None and total:
                reading.count(number, total)
            values = document._asdict()
            body = values.get("text") or getattr(document, "default_text", lambda: "")()
            yield Record(source, number, {**values, "id": values["doc_id"], "text": body})
    except CorpusError:
        raise
    except Exception as error:  # it downloads and parses, which can raise any error
        raise CorpusError(f"ir_datasets cannot read {name!r}: {error_line(error)}", source) from None


def nanobeir_set(name: str) -> str:
    """Return the full name of a set, which may be given in any case and without "Nano"; unknown names get "Nano" too.

    >>> nanobeir_set("nfcorpus")
    'NanoNFCorpus'
    """
    full = name if name.lower().startswith("nano") else f"Nano{name}"
    return next((known for known in NANOBEIR_SETS if known.lower() == full.lower()), full)


def read_nanobeir_table(name: str, config: str, root: Path | None, revision: str | None) -> list[dict[str, Any]]:
    """Return the rows of one table of NanoBEIR: `config` is corpus, queries, qrels or bm25, `name` a set's.

    `root` is a local copy in the hub's layout (one folder per table, with SPLIT-*.parquet in it); None reads from the
    hub, at `revision` if it is given. Raises CorpusError if the table cannot be read.
    """
    split = nanobeir_set(name)
    if root is not None:
        files = sorted(str(file) for file in (root / config).glob(f"{glob.escape(split)}-*.parquet"))
        if not files:
            raise CorpusError(f"has no {config}/{split}-*.parquet; expected the layout of {NANOBEIR_HUB}", root)
        return [dict(record.values) for file in files for record in read_parquet(file, CorpusSettings())]
    if split not in NANOBEIR_SETS:
        raise CorpusError(f"is not a NanoBEIR set; expected one of {', '.join(NANOBEIR_SETS)}", f"nanobeir:{name}")
    library = _library("datasets")
    library.utils.logging.disable_progress_bar()
    logging.getLogger("datasets").setLevel(logging.ERROR)
    try:
        rows: list[dict[str, Any]] = library.load_dataset(
            NANOBEIR_HUB, config, split=split, revision=revision
        ).to_list()
    except Exception as error:  # datasets raises errors of many libraries
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        message = f"cannot be read{offline}: {type(error).__name__}; go online, or name a local copy (`root`)"
        raise CorpusError(message, f"{NANOBEIR_HUB}/{config}/{split}") from None
    return rows


def read_nanobeir_corpus(source: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each document of `nanobeir:NAME`, or `nanobeir:NAME@FOLDER` for a local copy.

    Raises CorpusError if it cannot be read.
    """
    name, _, root = source.removeprefix("nanobeir:").partition("@")
    rows = read_nanobeir_table(name, "corpus", Path(root) if root else None, None)
    for number, row in enumerate(rows, start=1):
        if reading is not None:
            reading.count(number, len(rows))
        yield Record(source, number, row)


def _library(name: str) -> Any:  # noqa: ANN401 - an untyped library
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.split(".")[0].replace("_", "-")
        raise CorpusError(f"{package}, which reads this source, is not installed: {install_line('corpora')}") from None
