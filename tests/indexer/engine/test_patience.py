"""How often a load repeats a step that fails: every second for the patience of the load, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resift.indexer.engine.load import Loader, LoadRequest
from resift.indexer.engine.settings import LoadSettings
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import connect
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import StatusError
from resift.retrieval.types import Document
from tests.retrieval.engine.serving import scripted

PATIENCE = 1.5  # seconds: attempts at 0, 1 and 2 seconds, fewer on a slow machine


class Engine:
    """An engine with one index that accepts everything, but responds to one request, `failing`, with 503."""

    def __init__(self, failing: tuple[str, str]) -> None:
        self.failing = failing
        self.meta: dict[str, Any] | None = None
        self.loaded = False

    def respond(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        name, _, kind = path.strip("/").partition("/")
        if self.loaded and (method, kind) == self.failing:
            return 503, b"{}"
        if kind == "_bulk":
            self.loaded = True
            return 200, json.dumps({"items": [{"create": {"status": 201}}]}).encode()
        if (method, kind) == ("PUT", ""):
            self.meta = json.loads(body)["mappings"]["_meta"]
        if method == "GET" and kind in ("", "_mapping") and self.meta is None:
            return 404, b"{}"
        return 200, json.dumps(self.found(name, kind)).encode()

    def found(self, name: str, kind: str) -> dict[str, Any]:
        shards = {"total": 1, "successful": 1, "failed": 0}
        known: dict[str, dict[str, Any]] = {
            "_mapping": {name: {"mappings": {"_meta": self.meta}}},
            "_refresh": {"_shards": shards},
            "_count": {"count": 1, "_shards": shards},
        }
        return known.get(kind, {})


def load(failing: tuple[str, str], folder: Path, alias: str | None = None) -> list[tuple[str, str]]:
    """Load one document; return the requests of (method, what) after the bulk request."""
    engine = Engine(failing)
    with scripted(engine.respond) as (url, seen):
        address = read_address(f"{url}/i")
        connection = connect(address, ConnectionSettings(flavour="opensearch"))
        loader = Loader(connection, address, Bm25Settings(), LoadSettings(patience=PATIENCE))
        with pytest.raises(StatusError, match="503"):
            loader.load([Document("1", "soup")], LoadRequest("memory", alias=alias, state=folder))
        connection.close()
    sent = [(method, path.rpartition("/")[2]) for method, path in seen]
    return sent[sent.index(("POST", "_bulk")) + 1 :]


@pytest.mark.parametrize(
    "failing", [("PUT", "_settings"), ("GET", "_mapping"), ("POST", "_refresh"), ("GET", "_count")]
)
def test_a_step_after_the_last_document_is_repeated_every_second_until_patience_is_exhausted(
    failing: tuple[str, str], tmp_path: Path
) -> None:
    sent = load(failing, tmp_path)
    assert 2 <= sent.count(failing) <= 3
    assert sent[-1] == failing, "nothing follows the last attempt"


def test_an_index_that_cannot_be_marked_as_complete_is_given_up_too(tmp_path: Path) -> None:
    sent = load(("PUT", "_mapping"), tmp_path, alias="live")
    assert 2 <= sent.count(("PUT", "_mapping")) <= 3


def test_each_attempt_to_count_refreshes_and_counts_once(tmp_path: Path) -> None:
    sent = load(("GET", "_count"), tmp_path)
    assert sent.count(("POST", "_refresh")) == sent.count(("GET", "_count"))
