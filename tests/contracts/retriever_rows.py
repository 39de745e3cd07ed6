"""The test factories of the retriever registry: how an index is written for each scheme, and where none is.

A new row of `RETRIEVERS` needs a row in `PLACES`, and one in `NOWHERE`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from resift.indexer.bm25.build import build_index
from resift.retrieval.bm25 import store
from resift.retrieval.engine.settings import ConnectionSettings, OpenOptions
from resift.retrieval.types import Document
from tests.contracts.engine_rows import Engines, cloud, cloud_id, encrypted, plain
from tests.contracts.place import Place

Factory = Callable[[Engines, Path], AbstractContextManager[Place]]


@contextmanager
def embedded(engines: Engines, folder: Path) -> Iterator[Place]:
    """Yield the place of the embedded first stage."""

    def write(documents: Sequence[Document]) -> str:
        path = folder / uuid.uuid4().hex
        build_index(documents, path)
        return f"bm25:{path}"

    def spoil(url: str) -> None:
        file = Path(url.removeprefix("bm25:")) / store.DOCUMENTS
        with file.open("r+b") as texts:  # in place, because an opened index keeps its files
            texts.write(b"?" * file.stat().st_size)

    yield Place(write, spoil, f"bm25:{folder / 'missing'}")


PLACES: dict[str, dict[str, Factory]] = {
    "bm25": {"embedded": embedded},
    "http": {"elasticsearch": plain("elasticsearch"), "opensearch": plain("opensearch")},
    "https": {"elasticsearch": encrypted("elasticsearch"), "opensearch": encrypted("opensearch")},
    "cloud": {"elasticsearch": cloud},
}
"""Scheme -> what implements it -> the factory of its place."""
WITHOUT_AN_ENGINE = ("bm25",)

_ONCE = ConnectionSettings(max_retries=0, request_timeout=5.0)
_CLOSED = 1  # a port on which nothing listens
NOWHERE: dict[str, tuple[str, OpenOptions]] = {
    "bm25": ("bm25:/nowhere/articles", OpenOptions()),
    "http": (f"http://127.0.0.1:{_CLOSED}/articles", OpenOptions(_ONCE)),
    "https": (f"https://127.0.0.1:{_CLOSED}/articles", OpenOptions(_ONCE)),
    "cloud": ("cloud:articles", OpenOptions(ConnectionSettings(cloud_id=cloud_id(_CLOSED), max_retries=0))),
}
"""Scheme -> the URL of an index that cannot be reached, without any engine, and the options to open it."""
