"""What is wrong with a request, as a status of HTTP, a kind that programs read, and a line that people read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from resift.retrieval.text import clean

Kind = Literal[
    "Validation", "Empty", "Unauthorized", "NotFound", "MethodNotAllowed", "TooLarge", "Timeout", "Overloaded",
    "Unhealthy", "Backend", "Cancelled",
]  # fmt: skip
"""The kinds of errors; the names that text-embeddings-inference has too are used as there."""


class RequestError(Exception):
    """A request that is not answered as asked: the `status` of HTTP, the `kind`, and `headers` of the reply."""

    def __init__(self, status: int, kind: Kind, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Keep what the reply needs; `message` is one line for people."""
        super().__init__(message)
        message = clean(message)
        self.status, self.kind, self.message, self.headers = status, kind, message, dict(headers or {})

    def as_json(self, request_id: str, path: str) -> dict[str, Any]:
        """Return the body of the reply: "error" and "error_type" as in TEI, "message" as in Cohere.

        Below /v1 it has "detail" too, a text, which clients of Jina and Voyage read. Elsewhere it has none: Infinity's
        client, which calls /rerank, wants a list there.
        """
        return {
            "error": self.message,
            "error_type": self.kind,
            "message": self.message,
            "request_id": request_id,
            **({"detail": self.message} if path.startswith("/v1/") else {}),
        }


def invalid(message: str) -> RequestError:
    """Return the error of a request that cannot be understood, status 422."""
    return RequestError(422, "Validation", message)


def overloaded(message: str, retry_after: int) -> RequestError:
    """Return the error of a request for which there is no room now, status 429; `retry_after` in seconds."""
    return RequestError(429, "Overloaded", message, {"Retry-After": str(retry_after)})
