"""The steps of a session that only one of the two engines has; those of figures are in `steps`."""

from __future__ import annotations

from typing import Any

from tests.engine.official_clients.steps import SOUP, Session, Step


def _open_elasticsearch_pit(client: Any, session: Session) -> None:
    session.keep("pit", client.open_point_in_time(index=session.other, keep_alive="1m")["id"])


def _open_opensearch_pit(client: Any, session: Session) -> None:
    session.keep("pit", client.create_pit(index=session.other, params={"keep_alive": "1m"})["pit_id"])


def _reindexed(session: Session) -> dict[str, Any]:
    return {"source": {"index": session.other, "query": SOUP}, "dest": {"index": f"{session.other}-copy"}}


ELASTICSEARCH: list[Step] = [
    ("open_point_in_time", _open_elasticsearch_pit),
    ("search of a point in time of another index", lambda c, s: c.search(query=SOUP, pit={"id": s.kept["pit"]}, size=4)),
    ("close_point_in_time", lambda c, s: c.close_point_in_time(id=s.kept["pit"])),
    ("search of a closed point in time: 404", lambda c, s: c.search(query=SOUP, pit={"id": s.kept["pit"]})),
    ("search with arguments", lambda c, s: c.search(index=s.other, query=SOUP, size=3, from_=1, source=["n"])),
    ("knn search of another index", lambda c, s: c.search(
        index=s.other, knn={"field": "v", "query_vector": [1.0, 0.0], "k": 3, "num_candidates": 5},
    )),
    ("search by a retriever", lambda c, s: c.search(index=s.other, retriever={"standard": {"query": SOUP}})),
    ("terms_enum", lambda c, s: c.terms_enum(index=s.other, field="kind", string="a")),
    ("indices.resolve_index", lambda c, s: c.indices.resolve_index(name=s.other)),
    ("update_by_query", lambda c, s: c.update_by_query(index=s.other, query={"term": {"kind": "a"}})),
    ("async_search.submit", lambda c, s: c.async_search.submit(index=s.other, query=SOUP, wait_for_completion_timeout="9s")),
    ("license.get", lambda c, s: c.license.get_basic_status()),
    ("search_mvt: 400", lambda c, s: c.search_mvt(index=s.other, field="title", zoom=1, x=1, y=1)),
]  # fmt: skip

OPENSEARCH: list[Step] = [
    ("create_pit", _open_opensearch_pit),
    ("search of a point in time of another index", lambda c, s: c.search(
        body={"query": SOUP, "pit": {"id": s.kept["pit"]}, "size": 4},
    )),
    ("delete_pit", lambda c, s: c.delete_pit(body={"pit_id": [s.kept["pit"]]})),
    ("search of a closed point in time: 404", lambda c, s: c.search(body={"query": SOUP, "pit": {"id": s.kept["pit"]}})),
    ("search with params", lambda c, s: c.search(index=s.other, body={"query": SOUP}, params={"size": 3, "from": 1})),
    ("reindex", lambda c, s: c.reindex(body=_reindexed(s), refresh=True)),
    ("update_by_query", lambda c, s: c.update_by_query(
        index=f"{s.other}-copy", body={"query": SOUP, "script": {"source": "ctx._source.n += 1"}}, refresh=True,
    )),
    ("update by a script", lambda c, s: c.update(
        index=f"{s.other}-copy", id="1", body={"script": {"source": "ctx._source.n += params.p", "params": {"p": 2}}}, refresh=True,
    )),
    ("delete_by_query", lambda c, s: c.delete_by_query(index=f"{s.other}-copy", body={"query": SOUP})),
    ("indices.delete copy", lambda c, s: c.indices.delete(index=f"{s.other}-copy")),
    ("search with script_fields", lambda c, s: c.search(index=s.other, body={
        "query": SOUP, "size": 3, "script_fields": {"twice": {"script": "doc['n'].value * 2"}},
    })),
    ("put a search pipeline", lambda c, s: c.transport.perform_request(
        "PUT", f"/_search/pipeline/{s.name}", body={"phase_results_processors": [{"normalization-processor": {}}]},
    )),
    ("search by a search pipeline", lambda c, s: c.search(index=s.other, body={"query": SOUP}, params={"search_pipeline": s.name})),
    ("delete a search pipeline", lambda c, s: c.transport.perform_request("DELETE", f"/_search/pipeline/{s.name}")),
    ("get_script_context", lambda c, s: c.get_script_context()),
]  # fmt: skip
