"""Take back from an OpenSearch everything that an attachment made, whether or not it was completed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from resift.rerank.attach.cluster_settings import read_record, read_settings
from resift.rerank.attach.engine_requests import EngineRequests
from resift.rerank.attach.opensearch import send_when_free, undeploy
from resift.rerank.attach.opensearch_objects import (
    Found,
    Objects,
    find_objects,
    get_object,
    pipelines_with_model,
    users_of_pipeline,
)
from resift.rerank.attach.opensearch_requests import DEFAULT_PIPELINE
from resift.rerank.attach.outcome import Outcome
from resift.rerank.attach.settings_changes import disallow
from resift.rerank.attach.steps import Changes, Step
from resift.retrieval.errors import EngineError, StatusError


def detach(changes: Changes, name: str, recorded: object = None) -> Outcome:
    """Remove the search pipeline, model, model group and connector named `name`, and restore the settings.

    Objects that resift did not make are never touched. `recorded`: the settings of a local record, in case the
    cluster's own is lost. Raises EngineError if an index uses the pipeline by default, whose searches would fail, and
    StatusError if the engine refuses a request.
    """
    requests = changes.requests
    objects = find_objects(requests, name)
    notes = [f"{one} named {name} is left: resift did not make it" for one in objects.foreign]
    notes += _check_users(requests, objects, name)
    if objects.pipeline is not None:
        changes.send(Step("DELETE", f"_search/pipeline/{name}", None, f"remove the search pipeline {name}"))
    for model in objects.models:
        undeploy(changes, model)
        _remove(changes, model, name, partial(_undeploy_again, changes, model))
    notes += _remove_groups(changes, objects, name)
    for connector in objects.connectors:
        _remove(changes, connector, name)
    settings = read_settings(requests)
    record = read_record(settings, recorded)
    if name in record.names:
        arranged = disallow(settings, record, name)
        notes += arranged.notes
        if arranged.step is not None:
            changes.send(arranged.step)
    return Outcome(tuple(changes.steps), notes=tuple(notes))


def _check_users(requests: EngineRequests, objects: Objects, name: str) -> list[str]:
    """Return who else uses our model. Raises EngineError if indices use our pipeline by default."""
    if objects.pipeline is not None and (indices := users_of_pipeline(requests, name)):
        raise EngineError(
            f"the pipeline {name} is the default of {', '.join(indices)}, where every search would fail without it; "
            f'send PUT INDEX/_settings {{"{DEFAULT_PIPELINE}": null}} first',
            requests.url,
        )
    others = pipelines_with_model(requests, objects.models, name) if objects.models else []
    return [
        f"the search pipeline {one} uses the model that is removed; it is left, and does not rerank" for one in others
    ]


def _remove(changes: Changes, found: Found, name: str, again: Callable[[], None] = lambda: None) -> None:
    step = Step("DELETE", f"{found.path}/{found.object_id}", None, f"remove the {found.kind} {name}")
    send_when_free(changes, step, again)


def _undeploy_again(changes: Changes, model: Found) -> None:
    """Undeploy a model whose deployment began or ended since it was found."""
    now = get_object(changes.requests, model)
    if now is not None:
        undeploy(changes, now)


def _remove_groups(changes: Changes, objects: Objects, name: str) -> list[str]:
    """Delete the model group that the registration made, and return a note if it has models of others."""
    for group in objects.groups:
        try:
            _remove(changes, group, name)
        except StatusError as error:
            if error.status not in (400, 409):
                raise
            return [f"the model group {name} is left, because it has models that resift did not make"]
    return []
