"""Query clauses that find documents by their ids, and at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

IDS_PER_REQUEST = 64
MOST_ENTRIES = 10_000
"""Maximum number of hits of a search, by the engines' default."""


def by_ids(doc_ids: Sequence[str], parent: str, *, several: bool) -> dict[str, Any]:
    """Return the clause that matches the entries with one of `doc_ids`.

    `parent` is the field with the id of a passage's document, "" if documents are not split; a document without
    passages is matched by its own id. With `several` indices, an id has its index before it, as INDEX/ID.
    """
    plain = list(dict.fromkeys([doc_id.partition("/")[2] for doc_id in doc_ids] if several else doc_ids))
    own: dict[str, Any] = {"ids": {"values": plain}}
    if not parent:
        return own
    return {"bool": {"should": [own, {"terms": {parent: plain}}], "minimum_should_match": 1}}


def at_random(clause: Mapping[str, Any] | None, seed: int) -> dict[str, Any]:
    """Return a query that gives each entry which matches `clause` (None: every entry) a random score by `seed`.

    The score of an entry is a hash of the seed and of its sequence number, which all copies of a shard share: see
    "Random" at https://www.elastic.co/guide/en/elasticsearch/reference/current/query-dsl-function-score-query.html.
    """
    found = {"match_all": {}} if clause is None else {"bool": {"filter": [clause]}}
    score = {"seed": seed % 2**31, "field": "_seq_no"}
    return {"function_score": {"query": found, "random_score": score, "boost_mode": "replace"}}
