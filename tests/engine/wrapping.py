"""Shared by the tests of the drop-in client: a scorer with known logits, and a search as users of each client write it."""

from __future__ import annotations

import copy
import math
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings

COUNT = 30
FIELDS = ["title", "body.main"]
QUERY: dict[str, Any] = {"bool": {"must": [{"match": {"title": "soup"}}], "filter": [{"term": {"kind": "a"}}]}}


class Numbers:
    """A scorer whose logit is the number at the end of a text; it can be slow, or fail."""

    def __init__(self, seconds: float = 0.0, fails: bool = False) -> None:
        self.seconds = seconds
        self.fails = fails
        self.pairs: list[Pair] = []

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.pairs.extend(pairs)
        time.sleep(self.seconds)
        if self.fails:
            raise RuntimeError("the model broke")
        logits = np.array([float(text.split()[-1]) for _, text in pairs], dtype=np.float32)
        no = np.zeros(len(pairs), dtype=np.bool_)
        return Scores(logits, no, no)


def reranker(scorer: Numbers | None = None) -> Reranker:
    return Reranker(scorer or Numbers(), RerankSettings(fusion="none"))


def plain(response: Any) -> dict[str, Any]:  # noqa: ANN401
    body = copy.deepcopy(dict(response) if isinstance(response, dict) else response.body)
    body.pop("took")
    return body


def search(client: Any, index: str, **body: Any) -> Any:  # noqa: ANN401
    """Search as an application of either engine does: arguments with Elasticsearch, a body with OpenSearch."""
    inner = client.client if isinstance(client, RerankingClient) else client
    options = {
        name: body.pop(name) for name in list(body) if name in ("rank_window_size", "deadline_ms", "enabled", "model")
    }
    if isinstance(inner, Elasticsearch):
        renamed = {{"from": "from_", "_source": "source"}.get(name, name): value for name, value in body.items()}
        return client.search(index=index, **renamed, **options)
    return client.search(index=index, body=body, **options)


def numbers(response: Any) -> list[int]:  # noqa: ANN401
    return [int(hit["_id"]) for hit in response["hits"]["hits"]]


POTS = 40
VECTOR = [1.0, 0.2]


@contextmanager
def pots(client: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield an index of POTS documents on two shards, with a vector each if the engine has them, and a field alias."""
    name, elastic = f"t-{uuid.uuid4().hex[:10]}", isinstance(client, Elasticsearch)
    vector: dict[str, Any] = (
        {"type": "dense_vector", "dims": 2, "similarity": "l2_norm"} if elastic else {"type": "float"}
    )
    properties = {"kind": {"type": "keyword"}, "alias": {"type": "alias", "path": "title"}, "v": vector}
    settings = {"number_of_shards": 2, "number_of_replicas": 0}
    text = {"title": {"type": "text"}, "text": {"type": "text"}}
    client.indices.create(index=name, body={"settings": settings, "mappings": {"properties": {**text, **properties}}})
    lines: list[dict[str, Any]] = []
    for n in range(POTS):
        title, body = f"{'soup ' * (n % 7 + 1)}pot {n}", f"{'lentil ' if n % 3 == 0 else ''}number {n}"
        direction = [math.cos(n / 10), math.sin(n / 10)]
        source = {"title": title, "text": body, "kind": "abc"[n % 3], "n": n, "v": direction}
        lines += [{"index": {"_id": str(n)}}, source]
    client.bulk(index=name, body=lines, refresh=True)
    try:
        yield name
    finally:
        client.indices.delete(index=name)
