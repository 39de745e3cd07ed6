"""What an OpenSearch makes of replies of all kinds: a temporary connector calls a stub on this machine."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from resift.rerank.attach.doctor.case import PAIR
from resift.rerank.attach.doctor.check import Check
from resift.rerank.attach.doctor.failures import explain
from resift.rerank.attach.doctor.finding import Finding, broken, not_checked, warning, works
from resift.rerank.attach.doctor.probe_server import Behaviour, Stub
from resift.rerank.attach.engine_requests import EngineRequests
from resift.retrieval.errors import EngineError, StatusError

PREFIX = "resift-doctor-"
"""How the names of the temporary connector, model and model group begin."""
_LIMIT = 1
"""The temporary connector's read_timeout in seconds."""
_CALL_SECONDS = 60.0
_REMOVAL_SECONDS = 20.0
_KINDS = ("models", "model_groups", "connectors")  # the engine makes a group for each model
_RULE = "the service must write every score with a point, in at most 18 characters"


class LeftBehindError(EngineError):
    """The temporary connector, model or model group could not be removed; the message names it."""


@dataclass(frozen=True, slots=True)
class ProbeCase:
    """A stub, and a temporary model of the engine that calls it."""

    requests: EngineRequests
    stub: Stub
    model_id: str

    def predict(self, behaviour: Behaviour) -> list[float]:
        """Return the scores that the engine reads from a reply, in the order of the texts. Raises StatusError."""
        self.stub.behaviour = behaviour
        body = {"query_text": PAIR[0], "text_docs": list(PAIR[1])}
        path = f"_plugins/_ml/_predict/text_similarity/{self.model_id}"
        answer = self.requests.send("POST", path, body, timeout=_CALL_SECONDS)
        outputs: list[Any] = (answer.get("inference_results") or [{}])[0].get("output") or []
        return [float((output.get("data") or [0.0])[0]) for output in outputs]


@contextmanager
def temporary_model(requests: EngineRequests, url: str) -> Iterator[str]:
    """Create a connector to `url` with a model, and yield the model's id; both and its group are removed at the end.

    Raises StatusError if the engine refuses them, and LeftBehindError if they cannot be removed.
    """
    name = PREFIX + secrets.token_hex(4)
    try:
        connector = requests.send("POST", "_plugins/_ml/connectors/_create", _connector(name, url))["connector_id"]
        body = {"name": name, "function_name": "remote", "connector_id": connector}
        yield str(requests.send("POST", "_plugins/_ml/models/_register", body, {"deploy": "true"})["model_id"])
    finally:
        remove(requests, name)


def remove(requests: EngineRequests, name: str) -> None:
    """Remove the models, their groups and the connectors of a name.

    Raises LeftBehindError if that fails for 20 seconds: a model that is being deployed cannot be removed at once.
    """
    ends, kind = time.monotonic() + _REMOVAL_SECONDS, _KINDS[0]
    while True:
        try:
            found = 0
            for kind in _KINDS:
                found += _remove_kind(requests, kind, name)
            if not found:  # also none that the engine was still making
                return
        except StatusError as error:
            if time.monotonic() > ends:
                message = f"the temporary {kind.replace('_', ' ')} {name} could not be removed: {error}"
                raise LeftBehindError(message, requests.url) from None
            time.sleep(0.2)


def _remove_kind(requests: EngineRequests, kind: str, name: str) -> int:
    """Remove the objects of one kind, and return how many there were. Raises StatusError."""
    found = named(requests, kind, name)
    for one in found:
        if kind == "models":
            requests.send("POST", f"_plugins/_ml/models/{one}/_undeploy")
        requests.send("DELETE", f"_plugins/_ml/{kind}/{one}")
    return len(found)


def named(requests: EngineRequests, kind: str, name: str) -> list[str]:
    """Return the ids of the objects whose names begin with `name`; none if there are not any yet.

    `kind`: "models", "model_groups" or "connectors".
    """
    try:
        body = {"size": 100, "query": {"prefix": {"name.keyword": name}}}
        answer = requests.send("POST", f"_plugins/_ml/{kind}/_search", body)
    except StatusError as error:
        if error.status == 404:
            return []
        raise
    return [str(hit["_id"]) for hit in answer["hits"]["hits"]]


def _connector(name: str, url: str) -> dict[str, Any]:
    action = {
        "action_type": "predict",
        "method": "POST",
        "url": url,
        "request_body": '{ "query": "${parameters.query}", "documents": ${parameters.documents} }',
        "pre_process_function": "connector.pre_process.cohere.rerank",
        "post_process_function": "connector.post_process.cohere.rerank",
    }
    return {
        "name": name,
        "description": "temporary, made by resift doctor",
        "version": "1",
        "protocol": "http",
        "credential": {"api_key": "none"},  # the engine wants one
        "client_config": {"connection_timeout": 1, "read_timeout": _LIMIT, "max_retry_times": 0},
        "actions": [action],
    }


def _read(case: ProbeCase, behaviour: Behaviour, expected: list[float]) -> Finding:
    """Return whether the engine reads a reply as it is meant."""
    try:
        found = case.predict(behaviour)
    except StatusError as error:
        return warning(f"this engine refuses it: {explain(error, {}).seen}", _RULE)
    if len(found) != len(expected) or any(abs(a - b) > 1e-6 for a, b in zip(found, expected, strict=True)):
        return broken(f"this engine reads {found} where {expected} is meant", "report it, with the engine's version")
    return works(f"read as {found}")


def check_reachable(case: ProbeCase) -> Finding:
    """Check that the engine's nodes reach this machine at all."""
    try:
        case.predict(Behaviour())
    except StatusError as error:
        return not_checked(f"the engine's nodes do not reach {case.stub.url}: {explain(error, {}).seen}")
    return works(f"{case.stub.url}, {case.stub.requests} request")


def check_ends(case: ProbeCase) -> Finding:
    """Check the scores 0 and 1, written as floats."""
    return _read(case, Behaviour(("0.0", "1.0")), [0.0, 1.0])


def check_integers(case: ProbeCase) -> Finding:
    """Check the scores 0 and 1, written as integers."""
    return _read(case, Behaviour(("0", "1")), [0.0, 1.0])


def check_long(case: ProbeCase) -> Finding:
    """Check scores of 22 characters."""
    return _read(case, Behaviour(("0.12345678901234567890", "0.5")), [0.12345678901234568, 0.5])


def check_sorted(case: ProbeCase) -> Finding:
    """Check a reply whose results are sorted by score."""
    return _read(case, Behaviour(("0.25", "0.75"), best_first=True), [0.25, 0.75])


def check_missing(case: ProbeCase) -> Finding:
    """Check a reply without all documents."""
    try:
        found = case.predict(Behaviour(("0.25",)))
    except StatusError as error:
        return warning(f"this engine refuses it: {explain(error, {}).seen}", "the service must return every document")
    return warning(
        f"a call gives {len(found)} score for 2 documents, and a search fails", "the service must return all"
    )


def check_rejecting(case: ProbeCase) -> Finding:
    """Check replies with the statuses 429 and 401."""
    return _passed(case, (429, 401))


def _passed(case: ProbeCase, statuses: tuple[int, ...]) -> Finding:
    for status in statuses:
        try:
            case.predict(Behaviour(status=status))
        except StatusError as error:
            if error.status != status:
                return warning(f"status {status} becomes {error.status}", "read the message, not the status")
        else:
            return broken(f"status {status} is taken for scores", "report it, with the engine's version")
    return works("both statuses are passed on")


def check_slow(case: ProbeCase) -> Finding:
    """Check a service that answers too late."""
    started = time.monotonic()
    try:
        case.predict(Behaviour(seconds=_LIMIT + 4.0))
    except StatusError:
        return works(f"the engine gave up after {time.monotonic() - started:.1f} s (read_timeout {_LIMIT} s)")
    return warning("the engine waited longer than read_timeout", 'bound the time by "timeout_ms" in the request_body')


def check_down(case: ProbeCase) -> Finding:
    """Check a service that is not there; the stub has ended after this."""
    case.stub.close()
    try:
        case.predict(Behaviour())
    except StatusError as error:
        return works(f"a call fails at once: {explain(error, {'url': case.stub.url}).seen}")
    return broken("the engine got scores from a service that is down", "report it, with the engine's version")


CHECKS: tuple[Check[ProbeCase], ...] = (
    Check("probe", "reachable", "the engine's nodes reach this machine", check_reachable),
    Check("probe", "scores 0.0 and 1.0", "the ends of the scale, as floats", check_ends),
    Check("probe", "integer scores", "0 and 1 as scores", check_integers),
    Check("probe", "long scores", "scores of 22 characters", check_long),
    Check("probe", "sorted reply", "results that are sorted by score", check_sorted),
    Check("probe", "missing documents", "a reply without all documents", check_missing),
    Check("probe", "rejecting service", "the statuses 429 and 401", check_rejecting),
    Check("probe", "slow service", "an answer after the time limit", check_slow),
    Check("probe", "service down", "nothing listens at the address", check_down),
)
