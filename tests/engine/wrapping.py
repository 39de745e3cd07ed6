"""Shared by the tests of the drop-in client: a scorer with known logits, and a search as users of each client write it."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
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
