"""Call a rerank service as an engine does, without the engine, and keep the reply as it was sent."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from resift.rerank.scorers.remote.transport import trusted_certificates

_MOST_BYTES = 64 * 2**20


class Number(str):
    """A number as it was written in JSON."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of a service: the `status` (0: none came, and `error` says why), the JSON `body`, and the seconds.

    Numbers of the body are `Number`, texts as the service wrote them. `body` is None if the reply is not JSON.
    `scored`: how many documents the model scored, by the header X-Resift-Scored; None if the service does not say.
    """

    status: int
    body: Any = None
    seconds: float = 0.0
    error: str = ""
    scored: int | None = None

    def rows(self) -> list[Mapping[str, Any]] | None:
        """Return the results, in the reply's order; None if the reply has none."""
        found = self.body.get("results") if isinstance(self.body, Mapping) else self.body
        return found if isinstance(found, list) and all(isinstance(row, Mapping) for row in found) else None

    def scores(self) -> dict[int, str]:
        """Return the score of each document by its place, as it was written."""
        found: dict[int, str] = {}
        for row in self.rows() or []:
            index, score = row.get("index"), row.get("relevance_score", row.get("score"))
            if isinstance(index, Number) and index.isdecimal() and isinstance(score, Number):
                found[int(index)] = str(score)
        return found


@dataclass(frozen=True, slots=True)
class Direct:
    """A service at a URL, with the user's key, which neither repr nor str shows.

    `texts`: the name of the member with the documents: "documents", or "texts" for text-embeddings-inference.
    `timeout`: seconds. `model`: the name of a model that the engine sends too, "" for none. `withheld`: whether the
    user has a key that is not sent, because only the cluster names this address.
    """

    url: str
    key: str = field(default="", repr=False)
    texts: str = "documents"
    timeout: float = 60.0
    model: str = ""
    withheld: bool = False

    def rerank(self, query: str, documents: Sequence[str], **members: object) -> Reply:
        """Send documents to be scored; `members` are further ones of the body."""
        named = {"model": self.model} if self.model else {}
        return self.send("POST", self.url, {"query": query, self.texts: list(documents), **named, **members})

    def info(self) -> Mapping[str, Any]:
        """Return the JSON object of /info, which services of resift and TEI have; empty if there is none."""
        base = self.url
        for path in ("/v1/rerank", "/v2/rerank", "/rerank"):
            base = base.removesuffix(path)
        for wanted in [f"?model={quote(self.model, safe='')}", ""] if self.model else [""]:
            reply = self.send("GET", f"{base}/info{wanted}")
            if reply.status == 200 and isinstance(reply.body, Mapping):
                return reply.body
        return {}

    def send(self, method: str, url: str, body: object = None) -> Reply:
        """Send one request; no redirection is followed, and no proxy is used, as an engine uses none."""
        started = time.monotonic()
        try:
            status, content, scored = self._exchange(method, url, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Reply(0, None, time.monotonic() - started, _reason(error, self.timeout))
        try:
            parsed = json.loads(content, parse_float=Number, parse_int=Number, parse_constant=Number)
        except (ValueError, RecursionError):
            parsed = None
        found = re.match(r"(\d+)/", scored)
        return Reply(status, parsed, time.monotonic() - started, scored=int(found[1]) if found else None)

    def _exchange(self, method: str, url: str, body: object) -> tuple[int, bytes, str]:
        """Return the status, the content and the header X-Resift-Scored, "" without it."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=self.timeout, context=_certificates())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=self.timeout)
        )
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.key}"} if self.key else {})}
        try:
            content = None if body is None else json.dumps(body).encode("utf-8", "replace")
            connection.request(
                method, f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", content, headers
            )
            response = connection.getresponse()
            return response.status, response.read(_MOST_BYTES), response.getheader("X-Resift-Scored", "")
        finally:
            connection.close()


def _certificates() -> ssl.SSLContext:
    return trusted_certificates(ssl.create_default_context)


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"it did not answer within {timeout:g} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused: nothing listens there"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
