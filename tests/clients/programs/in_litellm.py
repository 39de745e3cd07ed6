# mypy: ignore-errors
"""LiteLLM, through several of its providers."""

import asyncio
from typing import Any

import litellm
from program import attempt, read_given, write

given = read_given()
litellm.suppress_debug_info = True
asked = {"query": given.query, "documents": given.documents, "top_n": 2, "max_retries": 0}


def pairs(reply: Any) -> list[Any]:
    return [(result["index"], result["relevance_score"]) for result in reply.results]


def reranked(provider: str, path: str = "", key: str = given.key) -> Any:
    place = {"model": f"{provider}/resift-tiny", "api_base": f"{given.url}{path}", "api_key": key}
    return attempt(lambda: pairs(litellm.rerank(**place, **asked)))


place = {"model": "cohere/resift-tiny", "api_base": given.url, "api_key": given.key}
write(
    {
        "cohere": reranked("cohere"),
        "cohere, asynchronous": pairs(asyncio.run(litellm.arerank(**place, **asked))),
        "cohere, first version": reranked("cohere", "/v1/rerank"),
        "hosted_vllm": reranked("hosted_vllm"),
        "huggingface": reranked("huggingface"),
        "jina_ai": reranked("jina_ai", "/v1/rerank"),
        "voyage": reranked("voyage", "/v1"),
        "infinity": reranked("infinity"),
        "wrong key": reranked("cohere", key="wrong"),
        "empty query": attempt(lambda: litellm.rerank(**place, **{**asked, "query": " "})),
    },
    given.examples,
)
