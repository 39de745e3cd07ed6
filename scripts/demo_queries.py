"""Pick the demo's queries to show: those that reranking helped most, the median one, and the one it hurt most."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def picked(differences: dict[str, float]) -> list[str]:
    """Return the query ids to show, from the per-query differences of nDCG@10: two best, the median, the worst."""
    ordered = sorted(differences, key=lambda query_id: (-differences[query_id], query_id))
    places = [0, 1, len(ordered) // 2, len(ordered) - 1]
    return list(dict.fromkeys(ordered[place] for place in places if 0 <= place < len(ordered)))


def main(per_query: str, queries: str) -> None:
    """Print one query text a line; the ids' values are read from the evaluation's own file."""
    [values] = json.loads(Path(per_query).read_text(encoding="utf-8"))["sets"].values()
    texts = {}
    for line in Path(queries).read_text(encoding="utf-8").splitlines():
        query = json.loads(line)
        texts[query["_id"]] = query["text"]
    gains = {query_id: row["reranked"]["ndcg@10"] - row["first_stage"]["ndcg@10"] for query_id, row in values.items()}
    for query_id in picked(gains):
        print(texts[query_id])


if __name__ == "__main__":
    main(*sys.argv[1:])
