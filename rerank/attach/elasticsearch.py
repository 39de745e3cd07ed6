"""Attach a service to Elasticsearch and detach it: one inference endpoint, which a retriever names.

An endpoint has no place for a mark of ours, so the local record alone shows that resift made it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from resift.rerank.attach.elasticsearch_requests import (
    LICENCES,
    endpoint_body,
    endpoint_path,
    kinds,
    rerank_step,
    retriever_step,
)
from resift.rerank.attach.engine_requests import EngineRequests
from resift.rerank.attach.key_note import has_key, key_note
from resift.rerank.attach.outcome import Outcome, Wanted
from resift.rerank.attach.service import Service
from resift.rerank.attach.steps import Changes, Step
from resift.retrieval.errors import EngineError, SettingsError, StatusError

OTHER_WAYS = "`resift plan` shows the ways that need neither: the proxy, and the wrapper for Python"
_UNKNOWN_SERVICE = re.compile(r"unknown service|not support|unsupported|unrecognized", re.I)


def attach(changes: Changes, wanted: Wanted, service: Service, recorded: Mapping[str, Any]) -> Outcome:
    """Make Elasticsearch call `service` by an inference endpoint; one that is there already is left as it is.

    `recorded`: the entry of the local record. Raises EngineError if the licence or this distribution has no inference
    API, if an endpoint of that name exists that is not recorded, or if the engine gets no answer from the service;
    StatusError if it refuses a request; SettingsError if the version cannot send a deadline.
    """
    requests = changes.requests
    notes = check_licence(requests)
    possible = kinds(requests.release, service, wanted.deadline_ms, wanted.inference_service)
    if wanted.deadline_ms and possible != ("custom",):
        message = "only the service custom sends a deadline, from version 8.19; leave it out, or use custom"
        raise SettingsError(message, "deadline_ms")
    known = _find(requests, wanted.name)
    if known is not None and not _is_recorded(known, recorded):
        raise EngineError(
            f"an inference endpoint named {wanted.name} exists that the record does not have, and it is not touched; "
            "choose another `attach_name`, or give its `record`",
            requests.url,
        )
    steps = {kind: _create_step(wanted, service, kind) for kind in possible}
    kind = str(recorded.get("kind", ""))
    if known is None or not _is_unchanged(recorded, steps.get(kind), service):
        if known is not None:
            about = f"remove the inference endpoint {wanted.name}, to create it anew"
            changes.send(Step("DELETE", endpoint_path(wanted.name), None, about))
        kind = _create(changes, steps)
    if changes.dry and len(possible) > 1 and changes.steps:
        notes.append(f"if this version has no {kind}, {' or '.join(possible[1:])} is used")
    if not changes.dry:
        _verify(requests, wanted.name, service)
    known_note = str(recorded.get("key"))
    note = known_note if has_key(known_note, service.key) else key_note(service.key)
    return Outcome(
        tuple(changes.steps),
        {"inference endpoint": wanted.name, "service": kind},
        retriever_step(wanted.name, wanted.index, wanted.field, wanted.query),
        tuple(notes),
        {"kind": kind, "body": steps[kind].shown(), "key": note, "endpoints": [_place(steps[kind])]},
    )


def places(requests: EngineRequests, wanted: Wanted, service: Service) -> list[list[str]]:
    """Return the service and the URL of each endpoint that an attachment may create."""
    possible = kinds(requests.release, service, wanted.deadline_ms, wanted.inference_service)
    return [_place(_create_step(wanted, service, kind)) for kind in possible]


def _create_step(wanted: Wanted, service: Service, kind: str) -> Step:
    body = endpoint_body(kind, service, wanted.deadline_ms)
    return Step("PUT", endpoint_path(wanted.name), body, f"create the inference endpoint {wanted.name} ({kind})")


def _place(step: Step) -> list[str]:
    body = step.body or {}
    return [body["service"], body["service_settings"]["url"]]


def detach(changes: Changes, name: str, recorded: Mapping[str, Any]) -> Outcome:
    """Remove the inference endpoint `name`, if the local record has it.

    Raises EngineError if it is not recorded or was changed since, and StatusError if the engine refuses a request.
    """
    requests = changes.requests
    known = _find(requests, name)
    if known is None:
        return Outcome(())
    if not _is_recorded(known, recorded):
        raise EngineError(
            f"the inference endpoint {name} is not the one in the record, and it is not touched; give its `record`, or "
            f"send DELETE {endpoint_path(name)} yourself",
            requests.url,
        )
    changes.send(Step("DELETE", endpoint_path(name), None, f"remove the inference endpoint {name}"))
    return Outcome(tuple(changes.steps))


def check_licence(requests: EngineRequests) -> list[str]:
    """Return a note if the licence cannot be read. Raises EngineError if it lacks the inference API."""
    answer = requests.read("_license")
    licence = answer.body.get("license") if isinstance(answer.body, Mapping) else None
    if not isinstance(licence, Mapping):
        return [f"the licence cannot be read ({answer.status}); the inference API needs {' or '.join(LICENCES)}"]
    kind, state = str(licence.get("type")), str(licence.get("status"))
    if kind not in LICENCES or state != "active":
        raise EngineError(
            f"the licence is {kind} ({state}), and the inference API with its retriever needs "
            f"{' or '.join(LICENCES)}; {OTHER_WAYS}",
            requests.url,
        )
    return []


def _find(requests: EngineRequests, name: str) -> Mapping[str, Any] | None:
    """Return the inference endpoint of that name; None if there is none. Raises EngineError without such an API."""
    try:
        found = requests.find(endpoint_path(name))
    except StatusError as error:
        if error.status in (400, 405):
            raise EngineError(
                f"this Elasticsearch has no inference API ({error.status}), which newer versions of the default "
                f"distribution have; {OTHER_WAYS}",
                requests.url,
            ) from None
        raise
    endpoints = found.get("endpoints") if isinstance(found, Mapping) else None
    return endpoints[0] if isinstance(endpoints, list) and endpoints else None


def _is_recorded(known: Mapping[str, Any], recorded: Mapping[str, Any]) -> bool:
    """Return True if an endpoint is one that the record has: its service and URL are the same."""
    place = [known.get("service"), (known.get("service_settings") or {}).get("url")]
    return place in (recorded.get("endpoints") or [])


def _is_unchanged(recorded: Mapping[str, Any], step: Step | None, service: Service) -> bool:
    """Return True if the recorded endpoint is the one that `step` creates, with the same key."""
    return step is not None and recorded.get("body") == step.shown() and has_key(str(recorded.get("key")), service.key)


def _create(changes: Changes, steps: Mapping[str, Step]) -> str:
    """Create the endpoint with the first service that this version has, and return it."""
    *others, last = steps
    for kind in others:
        try:
            changes.send(steps[kind])
            return kind
        except StatusError as error:
            if error.status != 400 or not _UNKNOWN_SERVICE.search(str(error)):
                raise
    changes.send(steps[last])
    return last


def _verify(requests: EngineRequests, name: str, service: Service) -> None:
    """Score two texts through the engine. Raises EngineError if it gets no answer from the service, or a wrong one."""
    step = rerank_step(name)
    try:
        found = requests.send(step.method, step.path, step.body)
        scores = {int(one["index"]): float(one["relevance_score"]) for one in found["rerank"]}
        good = scores[0] < scores[1]
    except StatusError as error:
        raise EngineError(
            f"the service answers this machine, but not the engine ({error}); its nodes must reach {service.base}"
        ) from None
    except (KeyError, TypeError, ValueError):
        raise EngineError("the engine's answer has not the scores of two texts", requests.url) from None
    if not good:
        raise EngineError(f"the service scores a wrong answer higher than the right one ({scores})", requests.url)
