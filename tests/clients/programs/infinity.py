# mypy: ignore-errors
"""Infinity's client, which sends "documents" to /rerank."""

import asyncio
from typing import Any

from infinity_client import AuthenticatedClient
from infinity_client.api.default import rerank
from infinity_client.models import RerankInput
from program import read_given, write

given = read_given()
client = AuthenticatedClient(base_url=given.url, token=given.key)


def body(**more: Any) -> RerankInput:
    return RerankInput(query=given.query, documents=given.documents, **more)


def pairs(reply: Any) -> list[Any]:
    return [(result.index, result.relevance_score) for result in reply.results]


wrong = rerank.sync_detailed(client=AuthenticatedClient(base_url=given.url, token="wrong"), body=body())
refused = rerank.sync_detailed(client=client, body=body(top_n=-1))
write(
    {
        "all": pairs(rerank.sync(client=client, body=body())),
        "top_n": pairs(rerank.sync(client=client, body=body(top_n=2))),
        "raw_scores": pairs(rerank.sync(client=client, body=body(raw_scores=True))),
        "asynchronous": pairs(asyncio.run(rerank.asyncio(client=client, body=body()))),
        "document": rerank.sync(client=client, body=body(return_documents=True)).results[0].document,
        "wrong key": wrong.status_code,
        "parsed without a key": wrong.parsed,
        "negative top_n": refused.status_code,
        "class of the refusal": type(refused.parsed).__name__,
    },
    given.examples,
)
