"""An index of an engine is searched and read by its definition, with one text in a search and in a wrapped client."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from tests.engine.wrapping import search
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine

QUERY = "when are pots glazed"
SOURCES: dict[str, dict[str, Any]] = {
    "a": {
        "title": "Glazed pots",
        "lead": "Pots are glazed twice.",
        "body": "In the kiln at night.",
        "by": {"name": "M"},
    },
    "b": {"title": "Kilns", "lead": "A kiln is hot.", "body": "When pots are glazed it is closed.", "note": "glazed"},
}
DEFINITION = {
    "fields": ["lead^2", "body", "title"],
    "template": "{title:1}[ by {by.name}]: {text:9}",
    "fusion": "none",
}
READ = {"a": "Glazed by M: Pots are glazed twice.\nIn the kiln", "b": "Ki: A kiln is hot.\nWhen pots are"}


def test_the_definition_decides_what_is_searched_and_read(
    filled: Callable[..., str],
    native: Any,  # noqa: ANN401 - either engine's client
    name: str,
    tmp_path: Path,
) -> None:
    target = filled(SOURCES)
    members = "".join(f"{key} = {json.dumps(value)}\n" for key, value in DEFINITION.items())
    (tmp_path / "resift.toml").write_text(f'[index."{name[:6]}*"]\n{members}')
    scorer = load_scorer("resift-tiny")
    scores = scorer.score([(QUERY, text) for text in READ.values()]).logits
    expected = {doc_id: pytest.approx(float(logit), abs=1e-4) for doc_id, logit in zip(READ, scores, strict=True)}

    config = ("--config", str(tmp_path / "resift.toml"))
    done = invoke(*config, "search", target, QUERY, "--json", "--model", "resift-tiny")
    assert done.code == 0, done.err
    assert {hit["doc_id"]: hit["logit"] for hit in json.loads(done.out)["hits"]} == expected

    definitions = IndexDefinitions.from_file(tmp_path / "resift.toml")
    wrapped = RerankingClient(native, Reranker(scorer), ["title"], scores="model", definitions=definitions)
    found = search(wrapped, name, query={"multi_match": {"query": QUERY, "fields": ["lead", "body"]}})
    assert {hit["_id"]: hit["_score"] for hit in found["hits"]["hits"]} == expected

    info = invoke(*config, "info", target)
    assert f"[index.{name[:6]}*]" in info.out
