"""Translate the errors of both clients into one of ours, with a message that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import elastic_transport
import elasticsearch
from opensearchpy import exceptions as opensearch

from resift.retrieval.errors import EngineError, ResiftError, StatusError

CLIENT_ERRORS = (elastic_transport.ApiError, elastic_transport.TransportError, opensearch.OpenSearchException)
"""Everything that either client raises."""
BLOCKED = "cluster_block_exception"
"""The engine's error type if an index, or the whole cluster, rejects writes or has no master."""
CLOSED = "index_closed_exception"
"""The engine's error type if an index is closed, also one of several that are named."""
REFUSED_STATUSES = (400, 403, 404, 405)
"""The statuses of a request that the user may not make, or that this engine does not have."""
UNTRUSTED = "untrusted_certificate"
"""Our error type for a certificate that is not trusted; it is not retried."""
NOT_JSON = "the response is not JSON; check that the address is an engine's, not that of a proxy in front of it"
_CERTIFICATE = "the certificate"  # how each message about a certificate begins
NOT_TRUSTED = f"{_CERTIFICATE} is not trusted; give its authority with `ca_certs`, or its `fingerprint`"
_LONGEST = 400  # characters of a message


class UnknownProductError(ResiftError):
    """The Elasticsearch client reached a server that does not identify itself as Elasticsearch.

    `body` is the JSON of its response.
    """

    def __init__(self, body: Any) -> None:  # noqa: ANN401 - any JSON
        """Keep the `body` of the response."""
        self.body = body
        super().__init__(
            "the server does not identify itself as Elasticsearch; if it is OpenSearch, or Elasticsearch before 7.14, "
            "give `flavour` opensearch"
        )


def translate(error: Exception, url: str, secrets: Sequence[str] = ()) -> ResiftError:
    """Return the error of a client as StatusError, or UnknownProductError; `secrets` are removed from its message."""
    if isinstance(error, elasticsearch.UnsupportedProductError):
        return UnknownProductError(error.body)
    status, body = _parts(error)
    kind, reason = _reason(body)
    message = _message(error, status, kind, reason)
    if status == 0 and message.startswith(_CERTIFICATE):
        kind = UNTRUSTED
    product = "elasticsearch" if _is_from_elasticsearch(error) else ""
    return StatusError(_clean(message, secrets), url, status, kind, product)


@contextmanager
def parsing(url: str) -> Iterator[None]:
    """Raise EngineError if the code inside fails because a response is not one of a search engine."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        message = (
            f"the response is not a search engine's ({type(error).__name__}: {str(error)[:80]}); check the address"
        )
        raise EngineError(message, url) from None


def error_in(body: Mapping[str, Any], url: str, secrets: Sequence[str] = ()) -> StatusError:
    """Return the error that the response to one of several searches reports; `secrets` are removed from its message."""
    status = int(body.get("status", 0) or 500)
    kind, reason = _reason(body)
    return StatusError(_clean(_message(Exception(), status, kind, reason), secrets), url, status, kind)


def _parts(error: Exception) -> tuple[int, Any]:
    """Return the HTTP status of an error, 0 if there was no response, and the body of the response."""
    if isinstance(error, elastic_transport.ApiError):
        return error.meta.status, error.body
    if isinstance(error, opensearch.TransportError) and isinstance(error.status_code, int):
        return error.status_code, error.info
    return 0, None


def _reason(body: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return the engine's type of an error and its reason, both empty if the body has none."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        cause = error.get("root_cause") or [error]
        deepest = cause[0] if isinstance(cause, list) and cause and isinstance(cause[0], dict) else error
        if deepest.get("type") == CLOSED:
            return CLOSED, f"the index {deepest.get('index', '')} is closed"
        below = error.get("caused_by")
        more = f" ({below['reason']})" if isinstance(below, dict) and below.get("reason") else ""
        if tried := error.get("additional_unsuccessful_credentials"):  # Elasticsearch's reason for rejecting an API key
            more += f" ({tried})"
        return str(error.get("type", "")), f"{deepest.get('reason') or error.get('reason') or ''}{more}"
    return "", str(error or (body if isinstance(body, str) else ""))


def _message(error: Exception, status: int, kind: str, reason: str) -> str:
    text = str(error)
    if status == 0:
        return _no_answer(error, text)
    why = f": {reason}" if reason else ""
    if kind == BLOCKED and status != 503:
        return f"writes are blocked ({status}): {reason}"
    if status == 401 and "expired" in reason:
        return f"the key or token has expired (401); set a new RESIFT_API_KEY or RESIFT_BEARER_TOKEN{why}"
    if status == 401:
        return f"missing or wrong credentials (401); set RESIFT_USERNAME and RESIFT_PASSWORD, or RESIFT_API_KEY{why}"
    if status == 403:
        return f"this user lacks the right to do that (403); grant it, or use another user{why}"
    if status == 404 and kind == "index_not_found_exception":
        return f"{reason}; check the name, `GET /_cat/indices` lists all indices"
    if kind == CLOSED:
        return f"{reason}; open it, or name the others"
    if status == 429:
        return f"the engine is overloaded (429); try again later, or send less at once{why}"
    if "Result window is too large" in reason or "max_result_window" in reason:
        return "the depth exceeds the index's max_result_window; lower `depth`, or raise that setting"
    return f"the engine returned status {status} {kind}{why}" if kind else f"the engine returned status {status}{why}"


def _no_answer(error: Exception, text: str) -> str:
    causes = [text, *(str(cause) for cause in getattr(error, "errors", ()) or ())]
    everything = " ".join([*causes, repr(getattr(error, "__cause__", ""))])
    lower = everything.lower()
    if isinstance(error, elastic_transport.SerializationError | opensearch.SerializationError):
        return NOT_JSON
    if "fingerprint" in lower:
        return f"{_CERTIFICATE} has a different fingerprint; check `fingerprint`"
    if "wrong_version_number" in lower or "record layer failure" in lower:
        return "the engine does not use TLS on this port; use http://"
    if "certificate" in lower or isinstance(error, elastic_transport.TlsError | opensearch.SSLError):
        return NOT_TRUSTED
    if "timed out" in lower or "timeout" in lower:
        return "no response in time; check that the host is right and reachable, or raise `request_timeout`"
    if "disconnected" in lower or "remotedisconnected" in lower or "connection aborted" in lower:
        return "the connection was closed; use https:// if the engine does, or wait until the engine has started"
    if "name or service not known" in lower or "name resolution" in lower or "nodename nor servname" in lower:
        return "the host name cannot be resolved; check it"
    return "no connection; check that the engine runs, and its host and port"


def _is_from_elasticsearch(error: Exception) -> bool:
    return isinstance(error, elastic_transport.ApiError) and "x-elastic-product" in error.meta.headers


def _clean(text: str, secrets: Sequence[str]) -> str:
    """Return `text` as one line of limited length, with *** in place of each secret."""
    for secret in secrets:
        text = text.replace(secret, "***")
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
