# mypy: ignore-errors
"""Cohere's SDK, second version of its interface."""

import asyncio
from typing import Any

import cohere
from program import attempt, read_given, write

given = read_given()
client = cohere.ClientV2(given.key, base_url=given.url)
asked = {"model": "resift-tiny", "query": given.query}


def pairs(reply: cohere.V2RerankResponse) -> list[Any]:
    return [(result.index, result.relevance_score) for result in reply.results]


async def asynchronously() -> list[Any]:
    async with cohere.AsyncClientV2(given.key, base_url=given.url) as other:
        return pairs(await other.rerank(documents=given.documents, **asked))


long = [*given.documents, f"{given.documents[0]} {given.documents[1]}"]
write(
    {
        "all": pairs(client.rerank(documents=given.documents, **asked)),
        "top_n": pairs(client.rerank(documents=given.documents, top_n=2, **asked)),
        "cut": pairs(client.rerank(documents=long, max_tokens_per_doc=given.tokens, **asked)),
        "priority": pairs(client.rerank(documents=given.documents, priority=999, **asked)),
        "asynchronous": asyncio.run(asynchronously()),
        "wrong key": attempt(lambda: cohere.ClientV2("wrong", base_url=given.url).rerank(documents=["a"], **asked)),
        "empty query": attempt(lambda: client.rerank(model="resift-tiny", query="", documents=["a"])),
        "priority of 1000": attempt(lambda: client.rerank(documents=["a"], priority=1000, **asked)),
    },
    given.examples,
)
