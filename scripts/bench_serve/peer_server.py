"""A peer: FastAPI with sentence-transformers, as such servers are usually written.

``PYTHON peer_server.py MODEL PORT`` needs fastapi, uvicorn and sentence-transformers, and nothing of resift. `/rerank`
runs in FastAPI's thread pool, and `/async/rerank` in the event loop, one request after another; both ways are usual.
"""

# The environment of the project does not have fastapi.
# mypy: disable-error-code="import-not-found, untyped-decorator"

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import CrossEncoder

app = FastAPI()


class RerankRequest(BaseModel):
    """A query with the documents to be ranked."""

    query: str
    documents: list[str]


class RerankResult(BaseModel):
    """A document by its index, with its score."""

    index: int
    relevance_score: float


class RerankResponse(BaseModel):
    """The documents, best first."""

    results: list[RerankResult]


@app.get("/health")
def health() -> dict[str, str]:
    """Report that the server runs."""
    return {"status": "ok"}


@app.post("/rerank")
def rerank(request: RerankRequest) -> RerankResponse:
    """Rank the documents in a thread of the pool."""
    return ranked(request)


@app.post("/async/rerank")
async def rerank_async(request: RerankRequest) -> RerankResponse:
    """Rank the documents in the event loop."""
    return ranked(request)


def ranked(request: RerankRequest) -> RerankResponse:
    """Score the pairs with the model."""
    ranking = app.state.model.rank(request.query, request.documents)
    found = [RerankResult(index=row["corpus_id"], relevance_score=float(row["score"])) for row in ranking]
    return RerankResponse(results=found)


if __name__ == "__main__":
    app.state.model = CrossEncoder(sys.argv[1], device="cpu")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
