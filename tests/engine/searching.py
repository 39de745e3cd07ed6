"""Shared by the search tests: an index created without resift, and functions that return its hits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.rerank.cli.invoke import invoke

Fill = Callable[..., str]

MAPPINGS: dict[str, object] = {
    "properties": {
        "headline": {"type": "text", "fields": {"raw": {"type": "keyword"}, "english": {"type": "text"}}},
        "meta": {"properties": {"summary": {"type": "text"}, "views": {"type": "integer"}}},
        "steps": {"type": "nested", "properties": {"body": {"type": "text"}}},
        "kind": {"type": "keyword"},
        "a_b": {"type": "alias", "path": "meta.summary"},
    }
}
DOCUMENTS: dict[str, dict[str, object]] = {
    "1": {
        "headline": "Lentil soup",
        "meta": {"summary": "<p>Simmer red <b>lentils</b> &amp; cumin</p>"},
        "kind": "recipe",
    },
    "2": {
        "headline": ["Soup", "bowls"],
        "meta": {"summary": ["Four bowls", "for lentils"], "views": 3},
        "kind": "shop",
    },
    "3": {"headline": "Salad", "steps": [{"body": "no cooking"}, {"body": "needs lentils more"}], "kind": "recipe"},
    "4": {"kind": "recipe"},
    "5": {"headline": "Bread", "meta.summary": "flour \ud83d\ude42 مرحبا", "kind": "recipe"},
}


def hits(target: str, query: str, *options: str) -> list[dict[str, Any]]:
    done = invoke("search", target, query, "--json", *options)
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)["hits"]
    return found


def ids(target: str, query: str, *options: str) -> set[str]:
    return {hit["doc_id"] for hit in hits(target, query, "--model", "none", *options)}
