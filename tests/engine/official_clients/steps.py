"""A session of an application with an engine: calls of the official client that the proxy passes through.

Each step is a name and a call; it gets the client and the `Session`. The steps are made in their order, on a new index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Step = tuple[str, Callable[[Any, "Session"], Any]]

SOUPS: dict[str, dict[str, object]] = {
    str(n): {"title": f"{'soup ' * (n + 1)}pot {n}", "text": f"number {n}", "kind": "abc"[n % 3], "n": n}
    for n in range(25)
}
MAPPINGS = {
    "properties": {
        "title": {"type": "text", "term_vector": "yes"},
        "text": {"type": "text"},
        "kind": {"type": "keyword"},
        "n": {"type": "integer"},
    }
}
SOUP: dict[str, Any] = {"match": {"title": "soup"}}
BY_NUMBER = [{"n": "desc"}]


@dataclass(slots=True)
class Session:
    """The index whose searches are reranked, another one, and what earlier steps returned."""

    name: str
    other: str
    kept: dict[str, Any] = field(default_factory=dict)

    def keep(self, key: str, value: Any) -> None:
        self.kept[key] = value


def _bulk(index: str) -> list[Any]:
    return [line for key, source in SOUPS.items() for line in ({"index": {"_index": index, "_id": key}}, source)]


def _scroll(client: Any, session: Session) -> None:
    body = {"query": SOUP, "size": 4, "sort": BY_NUMBER}
    session.keep("scroll", client.search(index=session.name, body=body, scroll="1m")["_scroll_id"])


_SETTINGS = {"number_of_shards": 2, "number_of_replicas": 0}
_PIPELINE: dict[str, Any] = {"description": "d", "processors": []}

DOCUMENTS: list[Step] = [
    ("indices.create", lambda c, s: c.indices.create(index=s.name, body={"settings": _SETTINGS, "mappings": MAPPINGS})),
    ("indices.create again: 400", lambda c, s: c.indices.create(index=s.name)),
    ("indices.create other", lambda c, s: c.indices.create(index=s.other, body={"mappings": MAPPINGS})),
    ("indices.exists", lambda c, s: c.indices.exists(index=s.name)),
    ("indices.exists: 404", lambda c, s: c.indices.exists(index="not-there")),
    ("indices.get", lambda c, s: c.indices.get(index=s.name)),
    ("indices.get_mapping", lambda c, s: c.indices.get_mapping(index=s.name)),
    ("indices.put_mapping", lambda c, s: c.indices.put_mapping(index=s.name, body={"properties": {"m": {"type": "long"}}})),
    ("indices.get_field_mapping", lambda c, s: c.indices.get_field_mapping(fields="title", index=s.name)),
    ("indices.get_settings", lambda c, s: c.indices.get_settings(index=s.name)),
    ("indices.put_settings", lambda c, s: c.indices.put_settings(index=s.name, body={"index": {"max_regex_length": 99}})),
    ("index", lambda c, s: c.index(index=s.name, id="x", body={"title": "soup of the day", "n": 100, "kind": "x"})),
    ("index again", lambda c, s: c.index(index=s.name, id="x", body={"title": "Ünïcödé 汤 🍲", "n": 100, "kind": "x"})),
    ("index without id", lambda c, s: c.index(index=s.other, body={"title": "bread", "n": 101})),
    ("index: 409", lambda c, s: c.index(index=s.name, id="x", body={"n": 1}, if_seq_no=77, if_primary_term=1)),
    ("index: 400", lambda c, s: c.index(index=s.name, id="y", body={"n": "not a number"})),
    ("index with a slash in the id", lambda c, s: c.index(index=s.name, id="a/b c?d#é", body={"n": 102, "kind": "x"})),
    ("get with a slash in the id", lambda c, s: c.get(index=s.name, id="a/b c?d#é")),
    ("create", lambda c, s: c.create(index=s.name, id="z", body={"title": "soup", "n": 103, "kind": "x"})),
    ("create: 409", lambda c, s: c.create(index=s.name, id="z", body={"title": "soup"})),
    ("bulk", lambda c, s: c.bulk(body=_bulk(s.name))),
    ("bulk other", lambda c, s: c.bulk(body=_bulk(s.other), refresh=True)),
    ("bulk with errors", lambda c, s: c.bulk(index=s.name, body=[{"index": {"_id": "w"}}, {"n": "x"}, {"delete": {"_id": "no"}}])),
    ("indices.refresh", lambda c, s: c.indices.refresh(index=s.name)),
    ("get", lambda c, s: c.get(index=s.name, id="3")),
    ("get: 404", lambda c, s: c.get(index=s.name, id="nope")),
    ("get with fields", lambda c, s: c.get(index=s.name, id="3", _source_includes=["n"])),
    ("get_source", lambda c, s: c.get_source(index=s.name, id="3")),
    ("exists", lambda c, s: c.exists(index=s.name, id="3")),
    ("exists: 404", lambda c, s: c.exists(index=s.name, id="nope")),
    ("mget", lambda c, s: c.mget(index=s.name, body={"ids": ["1", "2", "nope"]})),
    ("update", lambda c, s: c.update(index=s.name, id="3", body={"doc": {"kind": "new"}})),
    ("update with upsert", lambda c, s: c.update(index=s.name, id="u", body={"doc": {"n": 1}, "doc_as_upsert": True})),
    ("update: 404", lambda c, s: c.update(index=s.name, id="nope", body={"doc": {"n": 1}})),
    ("delete", lambda c, s: c.delete(index=s.name, id="u", refresh=True)),
    ("delete: 404", lambda c, s: c.delete(index=s.name, id="u")),
    ("count", lambda c, s: c.count(index=s.name, body={"query": SOUP})),
    ("count q", lambda c, s: c.count(index=s.name, q="title:soup")),
    ("termvectors", lambda c, s: c.termvectors(index=s.name, id="3", fields=["title"])),
    ("mtermvectors", lambda c, s: c.mtermvectors(index=s.name, body={"ids": ["1", "2"]})),
    ("explain", lambda c, s: c.explain(index=s.name, id="4", body={"query": SOUP})),
    ("field_caps", lambda c, s: c.field_caps(index=s.name, fields="*")),
    ("validate_query", lambda c, s: c.indices.validate_query(index=s.name, body={"query": SOUP}, explain=True)),
    ("analyze", lambda c, s: c.indices.analyze(index=s.name, body={"field": "title", "text": "Soups of the day"})),
    ("search_shards", lambda c, s: c.search_shards(index=s.other)),
    ("rank_eval", lambda c, s: c.rank_eval(index=s.name, body={
        "requests": [{"id": "q", "request": {"query": SOUP}, "ratings": [{"_index": s.name, "_id": "4", "rating": 1}]}],
        "metric": {"precision": {"k": 5}},
    })),
]  # fmt: skip

SEARCHES: list[Step] = [
    ("search sorted", lambda c, s: c.search(index=s.name, body={"query": SOUP, "sort": BY_NUMBER, "size": 5})),
    ("search with size 0", lambda c, s: c.search(index=s.name, body={"query": SOUP, "size": 0})),
    ("search for aggregations", lambda c, s: c.search(index=s.name, body={
        "size": 0, "query": SOUP, "aggs": {"k": {"terms": {"field": "kind"}, "aggs": {"a": {"avg": {"field": "n"}}}}},
    })),
    ("search for all", lambda c, s: c.search(index=s.name, body={"query": {"match_all": {}}, "sort": ["n"]})),
    ("search by filters", lambda c, s: c.search(index=s.name, body={"query": {"bool": {"filter": [{"term": {"kind": "a"}}]}}})),
    ("search without a body", lambda c, s: c.search(index=s.name, sort="n:asc")),
    ("search for suggestions", lambda c, s: c.search(index=s.name, body={
        "suggest": {"one": {"text": "sop", "term": {"field": "title"}}}, "size": 0,
    })),
    ("search for some parts", lambda c, s: c.search(index=s.name, body={"query": SOUP}, filter_path=["hits.total", "took"])),
    ("search beyond the window", lambda c, s: c.search(index=s.name, body={"query": SOUP, "from": 100, "size": 10})),
    ("search beyond all windows: 400", lambda c, s: c.search(index=s.name, body={"query": SOUP, "from": 10_000})),
    ("search collapsed and sorted", lambda c, s: c.search(index=s.name, body={
        "query": SOUP, "collapse": {"field": "kind"}, "sort": BY_NUMBER,
    })),
    ("search with search_after", lambda c, s: c.search(index=s.name, body={
        "query": SOUP, "sort": BY_NUMBER, "search_after": [10], "size": 3,
    })),
    ("search that is not understood: 400", lambda c, s: c.search(index=s.name, body={"query": {"mtch": {"title": "soup"}}})),
    ("search with a wrong type: 400", lambda c, s: c.search(index=s.name, body={"query": {"match": {"n": "soup"}}})),
    ("search of a missing index: 404", lambda c, s: c.search(index=f"{s.name}-not-there", body={"query": SOUP})),
    ("search of a missing index, ignored", lambda c, s: c.search(index=f"{s.other}-no", body={"query": SOUP}, ignore_unavailable=True)),
    ("scroll", _scroll),
    ("scroll on", lambda c, s: s.keep("scroll", c.scroll(body={"scroll": "1m", "scroll_id": s.kept["scroll"]})["_scroll_id"])),
    ("clear_scroll", lambda c, s: c.clear_scroll(body={"scroll_id": s.kept["scroll"]})),
    ("scroll of a closed one: 404", lambda c, s: c.scroll(body={"scroll_id": s.kept["scroll"]})),
    ("scroll of a slice", lambda c, s: c.search(index=s.name, body={"slice": {"id": 0, "max": 2}, "sort": ["n"]}, scroll="1m")),
    ("search of another index", lambda c, s: c.search(index=s.other, body={"query": SOUP, "size": 25})),
    ("search of another index, highlighted", lambda c, s: c.search(index=s.other, body={
        "query": SOUP, "highlight": {"fields": {"title": {}}}, "size": 3,
    })),
    ("search of another index by q", lambda c, s: c.search(index=s.other, q="title:soup", size=4)),
    ("search of another index with explanations", lambda c, s: c.search(index=s.other, body={"query": SOUP, "explain": True, "size": 1})),
    ("msearch of other indices", lambda c, s: c.msearch(body=[
        {"index": s.other}, {"query": SOUP, "size": 2}, {"index": "not-there"}, {"query": SOUP},
    ])),
    ("msearch in the URL's index", lambda c, s: c.msearch(index=s.other, body=[{}, {"query": SOUP, "size": 2}])),
    ("msearch without text", lambda c, s: c.msearch(index=s.name, body=[{}, {"size": 0}, {}, {"query": SOUP, "sort": ["n"]}])),
    ("msearch that cannot be read: 400", lambda c, s: c.msearch(index=s.name, body='{}\n{"query"\n')),
]  # fmt: skip

INDICES: list[Step] = [
    ("indices.put_alias", lambda c, s: c.indices.put_alias(index=s.other, name=f"{s.other}-alias")),
    ("indices.exists_alias", lambda c, s: c.indices.exists_alias(name=f"{s.other}-alias")),
    ("indices.get_alias", lambda c, s: c.indices.get_alias(index=s.other)),
    ("indices.update_aliases", lambda c, s: c.indices.update_aliases(body={
        "actions": [{"add": {"index": s.other, "alias": f"{s.other}-a", "filter": {"term": {"kind": "a"}}}}],
    })),
    ("search of a filtered alias", lambda c, s: c.search(index=f"{s.other}-a", body={"query": SOUP})),
    ("indices.delete_alias", lambda c, s: c.indices.delete_alias(index=s.other, name=f"{s.other}-a")),
    ("indices.flush", lambda c, s: c.indices.flush(index=s.other)),
    ("indices.forcemerge", lambda c, s: c.indices.forcemerge(index=s.other, max_num_segments=1)),
    ("indices.clear_cache", lambda c, s: c.indices.clear_cache(index=s.other)),
    ("indices.close", lambda c, s: c.indices.close(index=s.other)),
    ("search of a closed index: 400", lambda c, s: c.search(index=s.other, body={"query": SOUP})),
    ("indices.open", lambda c, s: c.indices.open(index=s.other, wait_for_active_shards=1)),
    ("indices.put_index_template", lambda c, s: c.indices.put_index_template(
        name=f"{s.name}-t", body={"index_patterns": [f"{s.name}-made*"], "template": {"mappings": MAPPINGS}},
    )),
    ("indices.get_index_template", lambda c, s: c.indices.get_index_template(name=f"{s.name}-t")),
    ("indices.simulate_index_template", lambda c, s: c.indices.simulate_index_template(name=f"{s.name}-made-1")),
    ("indices.delete_index_template", lambda c, s: c.indices.delete_index_template(name=f"{s.name}-t")),
    ("ingest.put_pipeline", lambda c, s: c.ingest.put_pipeline(id=f"{s.name}-p", body=_PIPELINE)),
    ("ingest.get_pipeline", lambda c, s: c.ingest.get_pipeline(id=f"{s.name}-p")),
    ("ingest.simulate", lambda c, s: c.ingest.simulate(id=f"{s.name}-p", body={"docs": [{"_source": {"n": 1}}]})),
    ("index by a pipeline", lambda c, s: c.index(index=s.other, id="p", body={"n": 9}, pipeline=f"{s.name}-p", refresh=True)),
    ("ingest.delete_pipeline", lambda c, s: c.ingest.delete_pipeline(id=f"{s.name}-p")),
    ("put_script", lambda c, s: c.put_script(id=f"{s.name}-s", body={
        "script": {"lang": "mustache", "source": {"query": {"match": {"title": "{{words}}"}}}},
    })),
    ("get_script", lambda c, s: c.get_script(id=f"{s.name}-s")),
    ("render_search_template", lambda c, s: c.render_search_template(body={"id": f"{s.name}-s", "params": {"words": "soup"}})),
    ("search_template of another index", lambda c, s: c.search_template(
        index=s.other, body={"id": f"{s.name}-s", "params": {"words": "soup"}},
    )),
    ("delete_script", lambda c, s: c.delete_script(id=f"{s.name}-s")),
    ("cluster.put_settings: 400", lambda c, s: c.cluster.put_settings(body={"transient": {"search.max_buckets": "many"}})),
    ("cluster.get_settings", lambda c, s: c.cluster.get_settings(
        include_defaults=True, flat_settings=True, filter_path="defaults.search.*",
    )),
    ("cluster.put_settings: null", lambda c, s: c.cluster.put_settings(body={"transient": {"search.*": None}})),
    ("tasks.list", lambda c, s: c.tasks.list(actions="no-such-action")),
    ("tasks.get: 404", lambda c, s: c.tasks.get(task_id="no-such-node:1")),
    ("cat.aliases", lambda c, s: c.cat.aliases(name=f"{s.other}-alias", v=True)),
    ("cat.indices as JSON", lambda c, s: c.cat.indices(index=s.other, format="json", h="health,index,docs.count")),
    ("info", lambda c, s: c.info()),
    ("ping", lambda c, s: c.ping()),
]  # fmt: skip

CLEANING: list[Step] = [
    ("indices.delete", lambda c, s: c.indices.delete(index=s.name)),
    ("indices.delete other", lambda c, s: c.indices.delete(index=s.other)),
    ("indices.delete: 404", lambda c, s: c.indices.delete(index=s.name)),
]

WITH_FIGURES: list[Step] = [
    ("cat.count", lambda c, s: c.cat.count(index=s.other)),
    ("cat.health", lambda c, s: c.cat.health(v=True)),
    ("cat.shards", lambda c, s: c.cat.shards(index=s.other, h="index,shard,prirep,state,docs")),
    ("cat.nodes", lambda c, s: c.cat.nodes(h="name,node.role")),
    ("cluster.health", lambda c, s: c.cluster.health(index=s.other, pretty=True)),
    ("cluster.state", lambda c, s: c.cluster.state(metric="metadata", index=s.other, filter_path="metadata.indices.*.state")),
    ("cluster.stats", lambda c, s: c.cluster.stats(filter_path="indices.docs,status")),
    ("cluster.pending_tasks", lambda c, s: c.cluster.pending_tasks()),
    ("nodes.info", lambda c, s: c.nodes.info(metric="http")),
    ("nodes.stats", lambda c, s: c.nodes.stats(metric="fs", human=True, filter_path="nodes.*.fs.total")),
    ("indices.stats", lambda c, s: c.indices.stats(index=s.other, metric="docs")),
    ("indices.segments", lambda c, s: c.indices.segments(index=s.other, filter_path="_shards,indices.*.shards.*.routing")),
    ("indices.recovery", lambda c, s: c.indices.recovery(index=s.other, filter_path="*.shards.type,*.shards.stage")),
    ("cluster.reroute", lambda c, s: c.cluster.reroute(dry_run=True, metric="none")),
]  # fmt: skip
"""Steps whose responses have figures that change from call to call."""
