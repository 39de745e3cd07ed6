"""An index that several test files search."""

from __future__ import annotations

import json

import pytest

from tests.rerank.cli.invoke import invoke

DOCUMENTS = [
    {"id": "d1", "title": "Soup", "text": "Simmer red lentils with onion and cumin for twenty minutes."},
    {"id": "d2", "title": "Bowls", "text": "Four bowls for soup and cereal."},
    {"id": "d3", "title": "Salad", "text": "Slice ripe tomatoes, add basil and oil. مرحبا بالعالم 🙂🙃"},
]


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bad")
    source = folder / "recipes.jsonl"
    source.write_text("".join(json.dumps(document) + "\n" for document in DOCUMENTS), encoding="utf-8")
    done = invoke("index", str(source), "--to", f"bm25:{folder / 'index'}")
    assert done.code == 0, done.err
    return f"bm25:{folder / 'index'}"
