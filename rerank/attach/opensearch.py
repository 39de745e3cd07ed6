"""Attach a service to OpenSearch and detach it: settings, connector, model and search pipeline, each found again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from resift.rerank.attach.cluster_settings import read_record, read_settings
from resift.rerank.attach.engine_requests import EngineRequests
from resift.rerank.attach.opensearch_objects import Found, Objects, find_objects, get_object, refuse_foreign
from resift.rerank.attach.opensearch_requests import (
    CONNECTOR_ID,
    CONNECTORS,
    DEADLINE_MS,
    MODEL_ID,
    MODELS,
    connector_body,
    is_same_connector,
    pipeline_body,
    predict_step,
    register_model,
    search_step,
)
from resift.rerank.attach.outcome import Outcome, Wanted
from resift.rerank.attach.service import Service
from resift.rerank.attach.settings_changes import allow
from resift.rerank.attach.steps import Changes, Step
from resift.retrieval.errors import EngineError, StatusError

_DEPLOY_SECONDS = 60.0
_DEPLOYMENTS = 3  # attempts
_ATTEMPTS = 20
_PAUSE = 0.5  # seconds
_FROM_SERVICE = "remote service"  # in the errors that ml-commons passes on
_TASKS = "_plugins/_ml/tasks"
_ENDED = ("COMPLETED", "COMPLETED_WITH_ERROR", "FAILED", "CANCELLED")
_READY = ("DEPLOYED", "PARTIALLY_DEPLOYED")


def attach(changes: Changes, wanted: Wanted, service: Service, recorded: object = None) -> Outcome:
    """Make OpenSearch call `service`, or complete what an earlier run began; what is there already is left as it is.

    `recorded`: the settings of a local record, in case the cluster's own is lost. Raises EngineError if something of
    that name exists that resift did not make, or if the engine gets no answer from the service, and StatusError if it
    refuses a request.
    """
    requests = changes.requests
    objects = find_objects(requests, wanted.name)
    refuse_foreign(objects, wanted.name, requests.url)
    settings = read_settings(requests)
    arranged = allow(settings, read_record(settings, recorded), wanted.name, service, has_ml_node(requests))
    if arranged.step is not None:
        changes.send(arranged.step)
    connector = _connector(changes, objects, wanted, service)
    model = _model(changes, objects, wanted, connector)
    if not changes.dry:
        _deploy(changes, model)
        try:
            _verify(requests, model, service)
        except _WrongKeyError:
            if not objects.connectors:
                raise
            changes.send(_undeploy_step(model))  # somebody changed the key in the connector
            _connector(changes, objects, wanted, service, anew=True)
            _deploy(changes, model)
            _verify(requests, model, service)
    body = pipeline_body(model, wanted.field)
    if objects.pipeline != body:
        about = f"{'create' if objects.pipeline is None else 'change'} the search pipeline {wanted.name}"
        changes.send(Step("PUT", f"_search/pipeline/{wanted.name}", body, about))
    return Outcome(
        tuple(changes.steps),
        {"connector": connector, "model": model, "search pipeline": wanted.name},
        search_step(wanted.name, wanted.index, wanted.query),
        arranged.notes,
        {"settings": arranged.record.as_json()},
    )


def has_ml_node(requests: EngineRequests) -> bool | None:
    """Return whether a node has the role ml; None if the user has no right to see the nodes."""
    answer = requests.read("_nodes", {"filter_path": "nodes.*.roles"})
    nodes = answer.body.get("nodes") if isinstance(answer.body, Mapping) else None
    return any("ml" in (node.get("roles") or []) for node in nodes.values()) if nodes else None


def _connector(changes: Changes, objects: Objects, wanted: Wanted, service: Service, anew: bool = False) -> str:
    """Return the id of the connector, which is created, or changed if it differs; `anew`: its models are undeployed."""
    body = connector_body(wanted.name, service, wanted.deadline_ms or DEADLINE_MS)
    if not objects.connectors:
        reply = changes.send(Step("POST", f"{CONNECTORS}/_create", body, f"create the connector {wanted.name}"))
        return str(reply.get("connector_id") or CONNECTOR_ID)
    known = objects.connectors[0]
    found = get_object(changes.requests, known) or known
    if not anew and is_same_connector(found.source, body, service.key):
        return known.object_id
    for model in () if anew else objects.models:  # a connector cannot be changed while a model that uses it is deployed
        undeploy(changes, model)
    path = f"{CONNECTORS}/{known.object_id}"
    send_when_free(changes, Step("PUT", path, body, f"change the connector {wanted.name}"))
    return known.object_id


def _model(changes: Changes, objects: Objects, wanted: Wanted, connector: str) -> str:
    """Return the id of the model that uses the connector; it is registered if there is none, or deployed anew."""
    model = next((one for one in objects.models if one.source.get("connector_id") == connector), None)
    if model is None:
        reply = changes.send(register_model(wanted.name, connector))
        return str(reply.get("model_id") or (MODEL_ID if changes.dry else _registered(changes.requests, reply)))
    if changes.dry and (model.state not in _READY or _was_undeployed(changes)):
        changes.send(_deploy_step(model.object_id))
    return model.object_id


def _registered(requests: EngineRequests, reply: Mapping[str, Any]) -> str:
    """Return the id of a model whose registration is a task. Raises EngineError if the task fails."""
    found = _wait(requests, f"{_TASKS}/{reply.get('task_id')}", "state", ("COMPLETED", "FAILED"))
    if found.get("state") == "FAILED":
        raise EngineError(f"the model is not registered: {found.get('error')}", requests.url)
    return str(found.get("model_id"))


def _deploy(changes: Changes, model_id: str) -> None:
    """Wait until the model is deployed, and ask for it if nobody did, or if it fails. Raises EngineError.

    It fails for example while an engine is starting; until it is undeployed, a node then refuses to deploy it again.
    """
    requests, path = changes.requests, f"{MODELS}/{model_id}"
    state = requests.send("GET", path).get("model_state")
    asked = any(step.path.startswith(f"{MODELS}/_register") for step in changes.steps)
    ask = _was_undeployed(changes) or not (asked or state in _READY or state == "DEPLOYING")
    reply: Mapping[str, Any] = {}
    for attempt in range(_DEPLOYMENTS):
        if attempt or state == "DEPLOY_FAILED":
            time.sleep(attempt)
            changes.send(_undeploy_step(model_id))
        if attempt or ask:
            reply = changes.send(_deploy_step(model_id))
        if reply.get("task_id"):
            _wait(requests, f"{_TASKS}/{reply['task_id']}", "state", _ENDED)
        if _wait(requests, path, "model_state", (*_READY, "DEPLOY_FAILED"))["model_state"] in _READY:
            return
    task = requests.find(f"{_TASKS}/{reply.get('task_id')}") or {}
    raise EngineError(
        f"the model is not deployed ({task.get('error', 'no reason is given')}); correct that and repeat the command",
        requests.url,
    )


def _undeploy_step(model_id: str) -> Step:
    return Step("POST", f"{MODELS}/{model_id}/_undeploy", None, "undeploy the model")


def _deploy_step(model_id: str) -> Step:
    return Step("POST", f"{MODELS}/{model_id}/_deploy", None, "deploy the model")


def _wait(requests: EngineRequests, path: str, member: str, wanted: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the object at `path` once its `member` has a `wanted` value. Raises EngineError if it never has."""
    ends = time.monotonic() + _DEPLOY_SECONDS
    while True:
        found: Mapping[str, Any] = requests.send("GET", path)
        if found.get(member) in wanted:
            return found
        if time.monotonic() > ends:
            raise EngineError(
                f"{path} has the {member} {found.get(member)} for {_DEPLOY_SECONDS:g} s; expected one of "
                f"{', '.join(wanted)}. See the engine's log, and repeat the command",
                requests.url,
            )
        time.sleep(0.1)


class _WrongKeyError(EngineError):
    """The service refuses the key that the engine sends."""


def _verify(requests: EngineRequests, model: str, service: Service) -> None:
    """Score two texts through the engine. Raises EngineError if it gets no answer from the service, or a wrong one."""
    step = predict_step(model)
    again = "correct that and give the command again; `resift detach` removes what was made"
    try:
        found = requests.send(step.method, step.path, step.body)
        first, second = (float(one["data"][0]) for one in found["inference_results"][0]["output"])
    except StatusError as error:
        if error.status in (401, 403) and _FROM_SERVICE in str(error):
            message = f"the service takes the key of this machine, but not the one that the engine sends; {again}"
            raise _WrongKeyError(message, requests.url) from None
        raise EngineError(
            f"the service answers this machine, but not the engine ({error}); its nodes must reach {service.base}, "
            f"which may have another name or port there; {again}"
        ) from None
    except (KeyError, TypeError, ValueError, IndexError):
        raise EngineError(f"the engine's answer has not the scores of two texts; {again}", requests.url) from None
    if not first < second:
        raise EngineError(
            f"the service scores a wrong answer higher than the right one ({first:.3g}, {second:.3g}); {again}",
            requests.url,
        )


def _was_undeployed(changes: Changes) -> bool:
    return any(step.path.endswith("/_undeploy") for step in changes.steps)


def undeploy(changes: Changes, model: Found) -> None:
    """Undeploy a model that is deployed or about to be; one that is not there any more is no error."""
    if model.state in ("REGISTERED", "UNDEPLOYED"):
        return
    try:
        changes.send(_undeploy_step(model.object_id))
    except StatusError as error:
        if error.status != 404:
            raise


def send_when_free(changes: Changes, step: Step, again: Callable[[], None] = lambda: None) -> None:
    """Send a change that needs a model to be undeployed, which can take a moment; call `again` before each new try.

    That the object of a removal does not exist any more is no error. Raises StatusError if the change fails.
    """
    for attempt in range(_ATTEMPTS):
        try:
            changes.send(step)
            return
        except StatusError as error:
            if error.status == 404 and step.method == "DELETE":
                return
            if attempt + 1 == _ATTEMPTS or not any(word in str(error) for word in ("undeploy", "cleaned up")):
                raise
            time.sleep(_PAUSE)
            again()
