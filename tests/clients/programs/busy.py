# mypy: ignore-errors
"""What clients do when the service is too busy: once without retries, then with those of the client."""

from program import attempt, read_given, write

given = read_given()


def by_cohere(retries: int) -> list[int]:
    import cohere

    client = cohere.ClientV2(given.key, base_url=given.url)
    options = {"max_retries": retries}
    reply = client.rerank(model="m", query=given.query, documents=given.documents, request_options=options)
    return [result.index for result in reply.results]


def by_voyage(retries: int) -> list[int]:
    import voyageai

    client = voyageai.Client(given.key, max_retries=retries, base_url=f"{given.url}/v1")
    return [result.index for result in client.rerank(given.query, given.documents, "m", top_k=3).results]


def by_haystack(retries: int) -> list[int]:
    from haystack import Document
    from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker

    ranker = HuggingFaceTEIRanker(url=given.url, token=None, max_retries=retries + 1)
    documents = [Document(content=text, meta={"index": place}) for place, text in enumerate(given.documents)]
    return [one.meta["index"] for one in ranker.run(query=given.query, documents=documents)["documents"]]


call = {"cohere": by_cohere, "voyage": by_voyage, "haystack": by_haystack}[given.client]
refused = attempt(lambda: call(0))
write({"refused": refused, "served": attempt(lambda: call(3))}, [])
