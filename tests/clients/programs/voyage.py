# mypy: ignore-errors
"""Voyage's SDK."""

import asyncio
from typing import Any

import voyageai
from program import attempt, read_given, write

given = read_given()
place = {"base_url": f"{given.url}/v1"}
client = voyageai.Client(given.key, **place)


def pairs(reply: Any) -> list[Any]:
    return [(result.index, result.relevance_score) for result in reply.results]


async def asynchronously() -> list[Any]:
    return pairs(await voyageai.AsyncClient(given.key, **place).rerank(given.query, given.documents, "m", top_k=2))


top = client.rerank(given.query, given.documents, "m", top_k=2)
write(
    {
        "top_k": pairs(top),
        "texts": [result.document for result in top.results],
        "tokens": client.rerank(f"new in {voyageai.__version__}", ["a new text"], "m", top_k=1).total_tokens,
        "all": attempt(lambda: pairs(client.rerank(given.query, given.documents, "m"))),
        "asynchronous": asyncio.run(asynchronously()),
        "wrong key": attempt(lambda: voyageai.Client("wrong", **place).rerank("a", ["b"], "m")),
        "empty query": attempt(lambda: client.rerank("", ["b"], "m")),
        "negative top_k": attempt(lambda: client.rerank("a", ["b"], "m", top_k=-1)),
    },
    given.examples,
)
