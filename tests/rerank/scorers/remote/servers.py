"""HTTP servers that run in a thread of the test and speak the APIs of rerankers, with a small model behind them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from resift.rerank.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that a server got."""

    path: str
    headers: Mapping[str, str]
    body: Any


Answer = Callable[[Seen], Any]
"""What answers a request: a Response, or what becomes JSON."""


@dataclass(slots=True)
class Running:
    """A server that runs, and the requests that it got."""

    url: str
    seen: list[Seen] = field(default_factory=list)

    def of(self, path: str) -> list[Seen]:
        return [one for one in self.seen if one.path == path]


@contextmanager
def serving(routes: Mapping[str, Answer], **options: Any) -> Iterator[Running]:
    """Serve each path of `routes` on a free port; `options` are uvicorn's."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        scheme = "https" if "ssl_keyfile" in options else "http"
        running = Running(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}")

        def route(path: str, answer: Answer) -> Route:
            async def handle(request: Request) -> Response:
                content = await request.body()
                one = Seen(path, dict(request.headers), json.loads(content) if content else None)
                running.seen.append(one)
                found = await run_in_threadpool(answer, one)
                return found if isinstance(found, Response) else as_json(found)

            return Route(path, handle, methods=["GET", "POST"])

        app = Starlette(routes=[route(path, answer) for path, answer in routes.items()])
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield running
        finally:
            server.should_exit = True
            thread.join()


def as_json(value: object, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(json.dumps(value), status, named, "application/json")


def resift_routes(scorer: Scorer, **facts: Any) -> dict[str, Answer]:
    """Return the routes of resift's own server; `facts` are members of "resift" in /info."""
    info = {"model_id": "tiny", "max_client_batch_size": 1000, "max_input_length": 512, "service": "resift"}

    def score(seen: Seen) -> Any:
        scores = scorer.score(list(zip(seen.body["text_1"], seen.body["text_2"], strict=True)))
        read = [] if scores.read_characters is None else scores.read_characters.tolist()
        rows = [{"index": place, "object": "score", "score": nine(x)} for place, x in enumerate(scores.logits)]
        details = {"truncated": scores.truncated.tolist(), "query_truncated": scores.query_truncated.tolist()}
        return {"object": "list", "data": rows, "model": "tiny", **details, "read_characters": read}

    return {"/info": lambda seen: {**info, "resift": {"model": "tiny", **facts}}, "/score": score}


def tei_routes(scorer: Scorer, most: int = 32) -> dict[str, Answer]:
    info = {"model_id": "tiny", "max_client_batch_size": most, "max_input_length": 512}

    def rerank(seen: Seen) -> Any:
        texts = seen.body["texts"]
        if len(texts) > most:
            message = f"batch size {len(texts)} > maximum allowed batch size {most}"
            return as_json({"error": message, "error_type": "Validation"}, 422)
        logits = scorer.score([(seen.body["query"], text) for text in texts]).logits
        rows = [{"index": place, "score": float(x)} for place, x in enumerate(logits)]
        return sorted(rows, key=lambda row: -row["score"])

    return {"/info": lambda seen: info, "/rerank": rerank}


def rerank_answer(scorer: Scorer, rows: str = "results") -> Answer:
    """Return what answers a request of Cohere, Jina, Voyage, vLLM and Infinity: probabilities, best first."""

    def rerank(seen: Seen) -> Any:
        logits = scorer.score([(seen.body["query"], text) for text in seen.body["documents"]]).logits
        values = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
        found = [{"index": place, "relevance_score": float(x)} for place, x in enumerate(values)]
        return {"id": "x", rows: sorted(found, key=lambda row: -row["relevance_score"])}

    return rerank


def nine(value: float) -> float:
    """Return a float32 with the 9 significant digits that the service writes."""
    return float(f"{value:.9g}")
