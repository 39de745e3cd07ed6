"""Logged searches for tests."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from resift.rerank.experiments.log import Kind, ShownSearch, to_line
from resift.rerank.experiments.team_draft import ShownHit


def search(search_id: str = "s1", kind: Kind = "shadow", time: str = "2026-01-05T10:00:00.000Z") -> ShownSearch:
    """Return a search of the index shop with other orders of a, b, c, of which the first stage's is shown."""
    shown = tuple(map(ShownHit, "abc"))
    return ShownSearch(time, search_id, "shop", kind, ("a", "b", "c"), ("c", "a", "b"), shown, query_text="red soup")


def mixed(search_id: str, time: str = "2026-01-05T10:00:00.000Z", draft: str | None = None) -> ShownSearch:
    """Return an interleaved search that shows c of the reranked order, then a of the first stage, then b of it."""
    shown = (ShownHit("c", "reranked"), ShownHit("a", "first_stage"), ShownHit("b", "reranked"))
    return replace(search(search_id, "interleaved", time), shown=shown, draft_id=draft)


def write_log(path: Path, *searches: ShownSearch) -> Path:
    path.write_text("".join(map(to_line, searches)), encoding="utf-8")
    return path


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
