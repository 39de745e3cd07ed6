"""What the two clients raise, as one error of ours that says what to do."""

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
"""What an engine calls it where an index, or the whole cluster, takes no writes, or has no master."""
_UNTRUSTED = "the certificate"
UNTRUSTED = "untrusted_certificate"
"""What we call it where a certificate is not trusted, which no time heals."""
_LONGEST = 400  # characters of an engine's own words that are repeated


class UnknownProductError(ResiftError):
    """The Elasticsearch client met something that does not call itself Elasticsearch; `body` is what that answered."""

    def __init__(self, body: Any) -> None:  # noqa: ANN401 - any JSON
        """Keep the answer."""
        self.body = body
        super().__init__(
            "the server does not call itself Elasticsearch; if it is one before 7.14, or OpenSearch, say "
            "--flavour opensearch"
        )


def explained(error: Exception, url: str, secrets: Sequence[str] = ()) -> ResiftError:
    """Return `error` as one of ours: what happened, and what to do. No secret is in its text."""
    if isinstance(error, elasticsearch.UnsupportedProductError):
        return UnknownProductError(error.body)
    status, body = _parts(error)
    kind, reason = _reason(body)
    message = _message(error, status, kind, reason)
    if status == 0 and message.startswith(_UNTRUSTED):
        kind = UNTRUSTED
    product = "elasticsearch" if _calls_itself_elasticsearch(error) else ""
    return StatusError(_clean(message, secrets), url, status, kind, product)


@contextmanager
def understood(url: str) -> Iterator[None]:
    """Take an answer apart; one that is not what a search engine gives raises EngineError, in one line."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        message = f"the answer is not what a search engine gives ({type(error).__name__}: {str(error)[:80]})"
        raise EngineError(message, url) from None


def answered(body: Mapping[str, Any], url: str, secrets: Sequence[str] = ()) -> StatusError:
    """Return the error that one answer among several tells of. No secret is in its text."""
    status = int(body.get("status", 0) or 500)
    kind, reason = _reason(body)
    return StatusError(_clean(_message(Exception(), status, kind, reason), secrets), url, status, kind)


def _parts(error: Exception) -> tuple[int, Any]:
    """Return an error's HTTP status, 0 where there was no answer, and the body of the answer."""
    if isinstance(error, elastic_transport.ApiError):
        return error.meta.status, error.body
    if isinstance(error, opensearch.TransportError) and isinstance(error.status_code, int):
        return error.status_code, error.info
    return 0, None


def _reason(body: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return the engine's name of an error and its reason, both empty where the body has none."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        cause = error.get("root_cause") or [error]
        deepest = cause[0] if isinstance(cause, list) and cause and isinstance(cause[0], dict) else error
        below = error.get("caused_by")
        more = f" ({below['reason']})" if isinstance(below, dict) and below.get("reason") else ""
        if tried := error.get("additional_unsuccessful_credentials"):  # Elasticsearch's words on a key
            more += f" ({tried})"
        return str(error.get("type", "")), f"{deepest.get('reason') or error.get('reason') or ''}{more}"
    return "", str(error or (body if isinstance(body, str) else ""))


def _message(error: Exception, status: int, kind: str, reason: str) -> str:
    text = str(error)
    if status == 0:
        return _no_answer(error, text)
    told = f": {reason}" if reason else ""
    if kind == BLOCKED and status != 503:
        return f"writes are blocked ({status}): {reason}"
    if status == 401 and "expired" in reason:
        return f"the key or token has expired (401); make a new one and set RESIFT_API_KEY or RESIFT_BEARER_TOKEN{told}"
    if status == 401:
        return f"the engine does not know us (401); set RESIFT_USERNAME and RESIFT_PASSWORD, or RESIFT_API_KEY{told}"
    if status == 403:
        return f"this user may not do that (403); give it the right, or use another{told}"
    if status == 404 and kind == "index_not_found_exception":
        return f"{reason}; look at the name, `GET /_cat/indices` lists those there are"
    if status == 429:
        return f"the engine has too much to do (429); try again later or with less at once{told}"
    if "Result window is too large" in reason or "max_result_window" in reason:
        return "asked for more than the index's max_result_window allows; lower --depth, or raise that setting"
    return f"the engine answered {status} {kind}{told}" if kind else f"the engine answered {status}{told}"


def _no_answer(error: Exception, text: str) -> str:
    causes = [text, *(str(cause) for cause in getattr(error, "errors", ()) or ())]
    everything = " ".join([*causes, repr(getattr(error, "__cause__", ""))])
    lower = everything.lower()
    if isinstance(error, elastic_transport.SerializationError | opensearch.SerializationError):
        return "the answer is not JSON; is this an engine, or something in front of it?"
    if "fingerprint" in lower:
        return f"{_UNTRUSTED} has another fingerprint; look at --fingerprint"
    if "wrong_version_number" in lower or "record layer failure" in lower:
        return "the engine does not speak TLS there; use http://"
    if "certificate" in lower or isinstance(error, elastic_transport.TlsError | opensearch.SSLError):
        return f"{_UNTRUSTED} cannot be trusted; give the authority with --ca-certs, or --fingerprint"
    if "timed out" in lower or "timeout" in lower:
        return "no answer in time; is the host right and reachable? --request-timeout gives it longer"
    if "disconnected" in lower or "remotedisconnected" in lower or "connection aborted" in lower:
        return "the connection was cut; is it https:// there, or is the engine starting?"
    if "name or service not known" in lower or "name resolution" in lower or "nodename nor servname" in lower:
        return "there is no host of that name"
    return "no connection; is the engine running, and are host and port right?"


def _calls_itself_elasticsearch(error: Exception) -> bool:
    return isinstance(error, elastic_transport.ApiError) and "x-elastic-product" in error.meta.headers


def _clean(text: str, secrets: Sequence[str]) -> str:
    """Return `text` on one line, cut, and without secrets."""
    for secret in secrets:
        text = text.replace(secret, "***")
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
