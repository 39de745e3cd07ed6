"""Pick the demo's queries to show: those that reranking helped most, the median one, and the one it hurt most."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def picked(differences: dict[str, float]) -> list[tuple[str, str]]:
    """Return (query id, why it is shown), from the per-query differences of nDCG@10: two best, median, worst."""
    ordered = sorted(differences, key=lambda query_id: (-differences[query_id], query_id))
    places = {
        0: "helped most",
        1: "helped second most",
        len(ordered) // 2: "the median query",
        len(ordered) - 1: "hurt most",
    }
    return [(ordered[place], why) for place, why in places.items() if place < len(ordered)]


def main(per_query: str, queries: str) -> None:
    """Print a line "why, nDCG@10 before -> after <tab> query text" for each; the values are the evaluation's own."""
    [values] = json.loads(Path(per_query).read_text(encoding="utf-8"))["sets"].values()
    texts = {}
    for line in Path(queries).read_text(encoding="utf-8").splitlines():
        query = json.loads(line)
        texts[query["_id"]] = query["text"]
    before = {query_id: row["first_stage"]["ndcg@10"] for query_id, row in values.items()}
    after = {query_id: row["reranked"]["ndcg@10"] for query_id, row in values.items()}
    for query_id, why in picked({query_id: after[query_id] - before[query_id] for query_id in values}):
        print(f"{why}, nDCG@10 {before[query_id]:.2f} -> {after[query_id]:.2f}\t{texts[query_id]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
