"""The other fields of a hit are fetched on request, without vectors and without what is read already."""

from __future__ import annotations

from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.fields import ALL_TEXT, PARENT, find_fields
from resift.retrieval.engine.hits import HitReader
from resift.retrieval.engine.settings import EngineSettings

ADDRESS = read_address("http://localhost:9200/shop")
TYPES = {
    "title": {"text"},
    "text": {"text"},
    "sku": {"keyword"},
    "meaning": {"dense_vector"},
    "sparse": {"rank_features"},
}


def test_all_fields_are_fetched_but_those_with_vectors() -> None:
    fields = find_fields(TYPES, ADDRESS, EngineSettings(), ("*",))
    assert fields.source == {"includes": ["title", "text", "*"], "excludes": ["meaning", "sparse"]}


def test_without_a_request_only_what_is_read_is_fetched() -> None:
    assert find_fields(TYPES, ADDRESS, EngineSettings()).source == ["title", "text"]
    assert find_fields(TYPES, ADDRESS, EngineSettings(), ("sku", "lost")).source == ["title", "text", "sku"]


def test_other_fields_keep_their_json_values_and_named_ones_are_lists_of_texts() -> None:
    source = {"title": "Soup", "text": "Red.", "sku": 7, "by": {"name": "Ann"}, PARENT: "d1", ALL_TEXT: "Soup Red."}
    hit = {"_id": "d1#0", "_index": "shop", "_source": source}
    every = HitReader(find_fields(TYPES, ADDRESS, EngineSettings(), ("*",))).read(hit)
    assert every.fields == {"_index": "shop", "sku": 7, "by": {"name": "Ann"}}
    named = HitReader(find_fields(TYPES, ADDRESS, EngineSettings(), ("sku", "*"))).read(hit)
    assert named.fields == {"_index": "shop", "sku": ["7"], "by": {"name": "Ann"}}
