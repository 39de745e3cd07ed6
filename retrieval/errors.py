"""The exception tree of the project.

::

    ResiftError                 anything that resift raises on purpose
    ├── CorpusError             a corpus, queries, qrels or run file cannot be read (path, line)
    ├── IndexingError           an index cannot be written (failed: ids of the documents not indexed)
    ├── EngineError             a search engine or a saved index cannot be reached or read (url)
    │   └── StatusError         a search engine returned an error or did not answer (status, kind)
    ├── UnknownProductError     a server does not identify itself as Elasticsearch (body); in `engine/client_errors`
    ├── StoppedError            another thread asked to stop while this one waited; in `engine/retry`
    ├── ModelError              a model cannot be found, loaded or run (path)
    └── SettingsError           a setting or an argument is wrong (field)

Two parts handle every one of them: the command line, which ends with exit code 1 or 2, and the wrapper of an engine's
client, which keeps the engine's own order.
A message says what was wrong, what was expected and what to do, in one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class ResiftError(Exception):
    """Base class of the errors that resift raises on purpose; the message is one line that says what to do."""


class CorpusError(ResiftError):
    """A corpus, queries, qrels or run file cannot be read."""

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None) -> None:
        """Prefix `message` with `path` and the 1-based `line`, if they are given."""
        self.path = None if path is None else str(path)
        self.line = line
        where = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(f"{where}{message}")


class IndexingError(ResiftError):
    """An index cannot be written; `failed` has the ids of the documents that were not indexed."""

    def __init__(self, message: str, failed: Sequence[str] = ()) -> None:
        """Keep `failed`, the ids of the documents that were not indexed."""
        self.failed = tuple(failed)
        super().__init__(message)


class EngineError(ResiftError):
    """A search engine or a saved index cannot be reached or read."""

    def __init__(self, message: str, url: str | None = None) -> None:
        """Prefix `message` with the `url` of the index."""
        self.url = url
        super().__init__(message if url is None else f"{url}: {message}")


class StatusError(EngineError):
    """A search engine returned an error or did not answer."""

    def __init__(self, message: str, url: str, status: int, kind: str = "", product: str = "") -> None:
        """Keep the HTTP `status` (0: no answer), the `kind` and the `product`.

        `kind` is the engine's own name for the error; `product` is "elasticsearch" if the response says so, else "".
        """
        self.status = status
        self.kind = kind
        self.product = product
        super().__init__(message, url)


class ModelError(ResiftError):
    """A model cannot be found, loaded or run."""

    def __init__(self, message: str, path: str | Path | None = None) -> None:
        """Prefix `message` with `path`, the model's name or folder."""
        self.path = None if path is None else str(path)
        super().__init__(message if path is None else f"{path}: {message}")


class SettingsError(ResiftError):
    """A setting or an argument has a value that cannot be used."""

    def __init__(self, message: str, field: str | None = None) -> None:
        """Prefix `message` with the name of the `field`."""
        self.field = field
        super().__init__(message if field is None else f"{field}: {message}")
