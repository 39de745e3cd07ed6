"""Why a call from an engine to a service failed, by the engine's message, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from resift.rerank.attach.doctor.finding import Finding, broken, not_checked
from resift.retrieval.errors import StatusError
from resift.retrieval.text import shorten

_LATE = "no response in time"
"""What our own message says if the engine itself waited for longer than the doctor does."""
REMOTE = r"(Error from remote service|remote service|unsuccessful status code|rerank request)"
ATTACH_AGAIN = "`resift detach URL` and `resift attach URL --service URL` write it anew"


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of failed calls.

    `pattern`: a regular expression that the engine's message then matches. `status`: the HTTP status, 0 for any.
    `seen` and `remedy`: what is reported; names in braces are filled from the facts of the call.
    """

    pattern: str
    seen: str
    remedy: str
    status: int = 0

    def fits(self, status: int, message: str) -> bool:
        """Return whether this is the cause of an error."""
        return self.status in (0, status) and re.search(self.pattern, message, re.IGNORECASE) is not None


_SERVICE_RULE = "the service must write every score as a JSON number with a point, of at most 18 characters (0.0, 1.0)"

CAUSES = (
    Cause(
        "private ip",
        "the engine refuses to call {url}, because that is a private address",
        'PUT _cluster/settings {{"persistent": {{"plugins.ml_commons.connector.private_ip_enabled": true}}}}',
    ),
    Cause(
        "not matching the trusted connector endpoint",
        "the engine does not allow connectors to {url}",
        "add {pattern} to plugins.ml_commons.trusted_connector_endpoints_regex (PUT _cluster/settings)",
    ),
    Cause(
        "connection refused",
        "nothing listens at {url}, as the engine's nodes see it",
        "start the service there, or correct host and port in the connector: {correct}",
    ),
    Cause(
        "unknown_?host|name or service not known|nodename nor servname|name resolution",
        "the engine's nodes do not know the host of {url}",
        "use a name or an address in the connector that the nodes can resolve: {correct}",
    ),
    Cause(
        f"{_LATE}|read timed out|read ?timeout|timed out waiting|socket ?timeout",
        "the service did not answer within the engine's limit (read_timeout: {read_timeout})",
        'add "timeout_ms" to the request_body of the connector, below read_timeout (`resift serve` answers by then), '
        "rerank fewer hits (a smaller size), use a faster model, or raise read_timeout: {correct}",
    ),
    Cause(
        "connect(ion)? ?timed out|connect ?timeout|no route to host|network is unreachable|acquire operation",
        "the engine's nodes get no connection to {url}",
        "open the way from the nodes to the service (firewall, network of the container), or correct the address",
    ),
    Cause("Integer cannot be cast to", "the service returns integer scores, such as 1", _SERVICE_RULE),
    Cause("BigDecimal cannot be cast to", "the service returns scores of more than 18 characters", _SERVICE_RULE),
    Cause(
        r"not a List of Map|property \['results'\]|should contain index and relevance_score|path_?not_?found|"
        "post.?process function",
        "the post_process_function of the connector does not fit the service's reply",
        "set post_process_function to {post}: {correct}",
    ),
    Cause(
        r"out of bounds for length|not the same length|tensorsList|document count and returned score count",
        "the service returned fewer scores than documents",
        "let the service return all documents: remove top_n from the request_body and from the service's own limits",
    ),
    Cause(
        REMOTE,
        "the service refuses the key of the engine (401)",
        "store the service's key in the connector: {key}",
        401,
    ),
    Cause(
        REMOTE,
        "the service refuses the key of the engine (403)",
        "store the service's key in the connector: {key}",
        403,
    ),
    Cause(
        REMOTE,
        "the service has no such path: {url} (404)",
        "use the path /v1/rerank of `resift serve` in the connector: {correct}",
        404,
    ),
    Cause(REMOTE, "the service is overloaded (429)", "see docs/service.md: a ladder of models, or more machines", 429),
    Cause(REMOTE, "the service refuses the request: {message}", "compare the connector with docs/engine-hooks.md"),
    Cause(
        "failed to find model|failed to find connector|model not (found|ready|deployed)|not deployed",
        "the model of the pipeline does not exist or is not deployed any more",
        "POST _plugins/_ml/models/{model_id}/_deploy; if it does not exist, " + ATTACH_AGAIN,
    ),
    Cause(
        "invalid payload",
        "the text makes a request that is not JSON; the engine refuses it before the service is called",
        "{ignore}",
    ),
    Cause(
        "infinite loop in property interpolation|placeholder not filled",
        "the engine takes ${{...}} in a text for a parameter of its own",
        "{dollar}",
    ),
    Cause(
        "circuit ?breaker|memory usage",
        "the engine has too little memory to call models",
        "see plugins.ml_commons.native_memory_threshold, jvm_heap_memory_threshold, and the heap of the nodes",
    ),
    Cause("no text documents were provided", "the processor fails on a result without hits", "{ignore}"),
    Cause("getTotalHits", "the processor fails on a result without a total", "{ignore}"),
    Cause("RerankSearchExtBuilder", "the processor fails on a search without ext.rerank", "{ignore}"),
)
"""Causes by the engines' messages, the special ones first. Those of OpenSearch were seen on 2.19.1."""

_FACTS = {
    "url": "the service",
    "pattern": "a pattern for the service's address",
    "correct": ATTACH_AGAIN,
    "key": ATTACH_AGAIN,
    "read_timeout": "not known",
    "post": "connector.post_process.cohere.rerank",
    "model_id": "MODEL_ID",
    "ignore": 'set "ignore_failure": true in the rerank processor, so that such a search keeps the first order',
    "dollar": "replace ${ in queries before the search, and in this field when you index",
}
"""What causes say of a call of which nothing is known."""


def explain(error: StatusError, facts: Mapping[str, str]) -> Finding:
    """Return why a call failed and what to do; `facts` fill the texts of `CAUSES` (see there for their names).

    Raises StatusError, the `error` itself, if the engine did not answer: that is not a failure of the call.
    """
    message = str(error)
    if error.status == 0 and _LATE not in message:
        raise error
    for cause in CAUSES:
        if cause.fits(error.status, message):
            filled = {**_FACTS, **facts, "message": _of_service(message)}
            return broken(cause.seen.format(**filled), cause.remedy.format(**filled))
    if error.status in (401, 403):
        return not_checked(
            f"the user of the engine may not do that ({error.status})", "use a user with the rights in docs/doctor.md"
        )
    return broken(
        shorten(message), "read the engine's log at this time; docs/engine-hooks.md has the requests that work"
    )


def _of_service(message: str) -> str:
    """Return what the service itself said, in the engine's message.

    >>> _of_service('status 400: Error from remote service: {"error":"the query is empty","error_type":"Empty"}')
    'the query is empty'
    """
    said = message.partition("remote service:")[2].strip() or message
    found = re.search(r'"(?:error|message)"\s*:\s*"([^"]*)"', said)
    return shorten(found[1] if found else said, 200)
