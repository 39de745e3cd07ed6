"""What an index of an engine is described as, compared with what the engine itself reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resift.retrieval.engine.info import engine_info
from resift.retrieval.errors import EngineError
from tests.engine.engines import ask, is_opensearch
from tests.engine.recorder import recording
from tests.engine.searching import DOCUMENTS, MAPPINGS, Fill
from tests.engine.test_load import corpus, load, many
from tests.engine.test_mixed_index import TRANSLATED
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine


def test_an_index_of_resift_says_when_and_from_what_it_was_made(engine: str, target: str, tmp_path: Path) -> None:
    load(corpus(tmp_path, many(12)), target, tmp_path, "--language", "german", "--replicas", "0")
    found = engine_info(target)
    assert (found.documents, found.language, found.source) == (12, "german", "corpus.jsonl")
    assert found.created.startswith("20") and found.created.endswith("Z")
    assert found.fields["title"] == found.fields["text"] == "text (german)" and found.fields["year"] == "long"
    flavour = "opensearch" if is_opensearch(engine) else "elasticsearch"
    version = ask("GET", engine)["version"]
    assert isinstance(version, dict) and found.details["engine"] == f"{flavour} {version['number']}"
    assert found.details["made by"].startswith("resift ")
    assert found.bytes is not None and found.bytes > 1000


def test_an_index_of_another_program_is_described_from_its_mapping_and_its_texts(filled: Fill) -> None:
    german = "Das Brot wird im Ofen gebacken, bis es braun ist, und dann auf dem Tisch mit Salz gegessen."
    mapping: dict[str, object] = {
        "properties": {
            "body": {"type": "text", "analyzer": "german", "fields": {"raw": {"type": "keyword"}}},
            "comments": {"type": "nested", "properties": {"text": {"type": "text"}}},
        }
    }
    target = filled({"1": {"body": german, "author": "Ada", "comments": [{"text": "so"}, {"text": "und so"}]}}, mapping)
    found = engine_info(target)
    assert (found.documents, found.language, found.source) == (1, "german", "")
    assert found.fields["body"] == "text (german)" and found.fields["body.raw"] == "keyword"
    assert found.fields["comments"] == "nested" and found.fields["author.keyword"] == "keyword"
    assert found.details["text"] == "body" and "author, comments.text (by its name)" in found.details["not searched"]


def test_texts_that_cannot_be_fetched_are_said_to_be_so_by_info_and_search(filled: Fill, name: str) -> None:
    target = filled({"1": {"body": "lentil soup"}}, {"_source": {"enabled": False}})
    said = f"searched, but not stored in {name}: they cannot be fetched or reranked"
    assert engine_info(target).details["texts"] == said
    done = invoke("search", target, "lentil", "--model", "none")
    assert done.code == 0 and "the texts of body can be searched, but not fetched" in done.err


def test_info_names_the_fields_that_a_search_with_the_default_model_uses(filled: Fill) -> None:
    done = invoke("info", filled(TRANSLATED), "--json")
    details = json.loads(done.out)["details"]
    assert (details["title"], details["text"]) == ("title_en", "body_en") and done.code == 0
    assert details["not searched"] == "body_de, title_de (German)"
    assert "body_en: English" in details["languages"]
    assert "body_de: German, not read by the model" in details["languages"]


def test_passages_are_counted_beside_their_documents(target: str, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": "a", "text": "x " * 95}, {"id": "b", "text": "y"}]
    load(corpus(tmp_path, rows), target, tmp_path, "--passage-words", "10")
    found = engine_info(target)
    assert (found.documents, found.details["passages"]) == (2, "11")


def test_a_pattern_and_an_alias_name_their_indices(engine: str, name: str, filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    ask("PUT", f"{target}-b/_doc/1?refresh=true", {"headline": 3})
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": {"index": name, "alias": f"{name}-live"}}]})
    alias = engine_info(f"{target}-live")
    assert (alias.documents, alias.details["indices"], alias.details["aliases"]) == (5, name, f"{name}-live")
    both = engine_info(f"{target},{name}-b")
    assert both.documents == 6 and both.fields["headline"] == "long/text"


def test_with_the_right_to_read_alone_the_rest_is_left_out(engine: str, name: str, filled: Fill) -> None:
    filled(DOCUMENTS, MAPPINGS)

    def deny(path: str, number: int, data: bytes) -> bytes:
        return b"{}" if path in (f"/{name}", f"/{name}/_stats/store") else data

    with recording(engine, deny) as (proxy, seen):
        found = engine_info(f"{proxy}/{name}")
    assert (found.documents, found.bytes, found.created) == (5, None, "") and found.fields["headline"] == "text"
    assert {method for method, path in seen if "search" not in path} == {"GET"}


def test_an_index_that_does_not_exist_is_an_error(engine: str) -> None:
    with pytest.raises(EngineError, match="no such index"):
        engine_info(f"{engine}/not-there-at-all")
