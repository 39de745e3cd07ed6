"""Cases that people reported about other tools on clusters that already exist; each names the public report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resift.indexer.engine.update import UpdateOptions, add
from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import connect
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document
from tests.engine.engines import ask, is_opensearch
from tests.engine.searching import Fill, hits, ids
from tests.engine.test_load import corpus, load
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine


def test_an_alias_with_a_closed_index_names_the_closed_one(engine: str, filled: Fill, name: str) -> None:
    """elastic/elasticsearch#77612; by a pattern only open indices are searched, as in elastic/kibana#111699."""
    target = filled({"1": {"body": "lentil soup"}})
    ask("PUT", f"{target}-b/_doc/2?refresh=true", {"body": "lentil stew"})
    both = [{"add": {"index": one, "alias": f"{name}-all"}} for one in (name, f"{name}-b")]
    ask("POST", f"{engine}/_aliases", {"actions": both})
    ask("POST", f"{target}/_close")
    done = invoke("search", f"{target}-all", "lentil", "--model", "none")
    assert done.code == 1 and f"the index {name} is closed; open it" in done.error_line
    assert ids(f"{target}*", "lentil") == {f"{name}-b/2"}


def test_a_nested_field_that_only_some_indices_have_is_searched_in_those(filled: Fill, name: str) -> None:
    """An engine rejects a nested query on a path that an index lacks: failed to find nested object under path."""
    steps = [{"text": "boil the lentils until they are soft and brown"}]
    target = filled({"1": {"title": "a", "steps": steps}}, {"properties": {"steps": {"type": "nested"}}})
    ask("PUT", f"{target}-b/_doc/2?refresh=true", {"title": "lentils"})
    assert ids(f"{target},{name}-b", "lentils") == {f"{name}/1", f"{name}-b/2"}
    assert ids(f"{target},{name}-b", "lentils", "--filter", f"steps.text={steps[0]['text']}") == {f"{name}/1"}


def test_a_title_that_is_a_keyword_is_read_and_not_searched(filled: Fill) -> None:
    """deepset-ai/haystack#2055: the field 'name' of an existing index is a keyword."""
    mapping: dict[str, object] = {"properties": {"name": {"type": "keyword"}, "body": {"type": "text"}}}
    target = filled({"1": {"name": "Lentil soup", "body": "boil them"}}, mapping)
    [found] = hits(target, "boil", "--model", "none")
    assert (found["title"], found["text"]) == ("Lentil soup", "boil them") and ids(target, "lentil") == set()


@pytest.mark.parametrize("dynamic", ["strict", "false"])
def test_an_index_template_does_not_change_how_a_load_maps_its_fields(
    engine: str, name: str, target: str, tmp_path: Path, dynamic: str
) -> None:
    """kitodo/kitodo-production#5429: strict_dynamic_mapping_exception for every document."""
    forced: dict[str, Any] = {"dynamic": dynamic, "numeric_detection": True, "_source": {"enabled": False}}
    forced["properties"] = {"title": {"type": "keyword"}}
    template = {"index_patterns": [f"{name}*"], "priority": 500, "template": {"mappings": forced}}
    ask("PUT", f"{engine}/_index_template/{name}", template)
    try:
        rows: list[dict[str, object]] = [
            {"id": "1", "title": "Soup", "text": "lentils", "year": 3, "shelf": "7"},
            {"id": "2", "title": "Stew", "text": "beans", "year": 4, "shelf": "x"},
        ]
        done, report = load(corpus(tmp_path, rows), target, tmp_path, "--replicas", "0")
    finally:
        ask("DELETE", f"{engine}/_index_template/{name}")
    assert done.code == 0 and report["documents"] == 2, done.err
    assert ids(target, "lentils", "--filter", "year=3") == {"1"} and ids(target, "beans", "--filter", "shelf=x") == {
        "2"
    }
    assert hits(target, "soup", "--model", "none")[0]["text"] == "lentils"


def test_an_alias_that_forbids_writing_is_not_written_through(
    engine: str, filled: Fill, name: str, tmp_path: Path
) -> None:
    """rwynn/monstache#549: the write index may be explicitly disabled using is_write_index=false."""
    target = filled({"1": {"text": "soup"}})
    alias = {"index": name, "alias": f"{name}-read", "is_write_index": False}
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": alias}]})
    address = read_address(f"{target}-read")
    connection = connect(address)
    with pytest.raises(IndexingError, match="does not allow writing"):
        add(connection, address, [Document("2", "x")], options=UpdateOptions(state=tmp_path))
    connection.close()


def test_an_index_without_source_is_read_from_its_stored_fields(filled: Fill) -> None:
    """An engine is unable to fetch fields from _source field: _source is disabled."""
    stored = {"type": "text", "store": True}
    mapping: dict[str, object] = {"_source": {"enabled": False}, "properties": {"title": stored, "body": stored}}
    target = filled({"1": {"title": "a", "body": "lentils"}, "2": {"title": "b", "body": "lentils lentils"}}, mapping)
    found = {hit["doc_id"]: (hit["title"], hit["text"]) for hit in hits(target, "lentils", "--model", "none")}
    assert found == {"1": ("a", "lentils"), "2": ("b", "lentils lentils")}


def test_without_source_and_stored_fields_hits_keep_the_engines_order(filled: Fill) -> None:
    """An engine is unable to fetch fields from _source field: _source is disabled."""
    mapping: dict[str, object] = {"_source": {"enabled": False}, "properties": {"body": {"type": "text"}}}
    target = filled({"1": {"body": "lentils"}, "2": {"body": "lentils lentils"}}, mapping)
    done = invoke("search", target, "lentils", "--json")
    assert done.code == 0, done.err
    assert [hit["doc_id"] for hit in json.loads(done.out)["hits"]] == ["2", "1"]
    assert "no text to read" in done.err and "the texts of body can be searched, but not fetched" in done.err


def test_a_field_of_different_types_in_several_indices_is_searched_where_it_is_text(filled: Fill, name: str) -> None:
    """elastic/kibana: a data view with a mapping conflict."""
    target = filled({"1": {"headline": "lentils and salt"}})
    ask("PUT", f"{target}-b/_doc/2?refresh=true", {"headline": 7, "body": "more lentils"})
    assert ids(f"{target},{name}-b", "lentils") == {f"{name}/1", f"{name}-b/2"}


def test_a_flattened_field_does_not_disturb_a_search(engine: str, filled: Fill) -> None:
    kind = "flat_object" if is_opensearch(engine) else "flattened"
    mapping: dict[str, object] = {"properties": {"labels": {"type": kind}, "body": {"type": "text"}}}
    target = filled({"1": {"body": "lentils", "labels": {"shelf": "soups and stews"}}}, mapping)
    assert ids(target, "lentils") == {"1"} and ids(target, "stews") == set()
