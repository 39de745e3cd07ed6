"""Checks of what OpenSearch has stored about the service: settings, connector and pipeline; nothing is called."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from resift.rerank.attach.attachment import PLUGINS
from resift.rerank.attach.cluster_settings import ML_NODES, PRIVATE, TRUSTED, pattern_of
from resift.rerank.attach.doctor.case import HookCase
from resift.rerank.attach.doctor.check import Check
from resift.rerank.attach.doctor.finding import Finding, broken, not_checked, warning, works
from resift.rerank.attach.service import is_private

_UNREADABLE = "this user may not read the cluster's settings"
_RIGHT = "grant cluster:monitor/settings, or ask who may read GET _cluster/settings"
_RERANK = ".rerank"


def check_plugins(case: HookCase) -> Finding:
    """Check that the plugins that call models are installed on every node."""
    if case.cluster.plugins is None:
        return not_checked("this user may not read which plugins the nodes have (GET _nodes)")
    missing = [name for name in PLUGINS if name not in case.cluster.plugins]
    if missing:
        return broken(f"a node lacks {' and '.join(missing)}", "install them on every node, and restart it")
    return works(" and ".join(PLUGINS))


def check_model(case: HookCase) -> Finding:
    """Check that the pipeline's model and its connector exist."""
    if case.hook.problem:
        again = f"`resift attach URL --service URL` creates them anew; the pipeline is {case.hook.pipeline}"
        return broken(f"{case.hook.pipeline}: {case.hook.problem}", again)
    state = str(case.hook.model.get("model_state") or "not known")
    if "FAIL" in state.upper():
        return broken(f"the model is in the state {state}", f"POST _plugins/_ml/models/{case.hook.model_id}/_deploy")
    return works(f"model {case.hook.model_id}, connector {case.hook.connector_id}")


def check_trusted(case: HookCase) -> Finding:
    """Check that the connector's address is among those that the cluster trusts."""
    url = case.hook.url
    if not url:
        return not_checked("the connector's address is not known")
    trusted = case.cluster.trusted(url)
    if trusted is None:
        if case.cluster.settings is None:
            return not_checked(_UNREADABLE, _RIGHT)
        return not_checked(f"{TRUSTED} is not set; its built-in list is not reported")
    if trusted:
        return works(f"{url} is trusted")
    remedy = f"add {pattern_of(url)} to the list with PUT _cluster/settings; repeat its other entries"
    seen = f"{url} fits no pattern of {TRUSTED}, so a connector to it cannot be created or changed"
    if not case.hook.pipeline:
        return broken(seen, remedy)
    return warning(f"{seen} (OpenSearch 2.19 still calls an existing one)", remedy)


def check_private(case: HookCase) -> Finding:
    """Check that the cluster may call a private address, if the service has one."""
    if not case.hook.url:
        return not_checked("the connector's address is not known")
    private, why = is_private(urlsplit(case.hook.url).hostname or "")
    if not private:
        return works("the address is public")
    allowed = case.cluster.flag(PRIVATE)
    if case.cluster.settings is None:
        return not_checked(_UNREADABLE, _RIGHT)
    if allowed:
        return works(f"{why}, and the cluster may call it")
    seen = f"{why}, and {PRIVATE} is {'not set' if allowed is None else 'false'}"
    remedy = f'PUT _cluster/settings {{"persistent": {{"{PRIVATE}": true}}}}'
    return (
        warning(seen, f"{remedy}, if the address is private for the nodes too")
        if "cannot" in why
        else broken(seen, remedy)
    )


def check_nodes(case: HookCase) -> Finding:
    """Check that a node may run models."""
    only = case.cluster.flag(ML_NODES)
    if case.cluster.settings is None or case.cluster.ml_node is None:
        return not_checked("this user may not read the cluster's settings or its nodes", _RIGHT)
    if not only or case.cluster.ml_node:
        return works("a node has the role ml" if case.cluster.ml_node else f"{ML_NODES} is false")
    return warning(
        f"{ML_NODES} is true and no node has the role ml; OpenSearch 2.19 calls services all the same",
        f'PUT _cluster/settings {{"persistent": {{"{ML_NODES}": false}}}}',
    )


def check_functions(case: HookCase) -> Finding:
    """Check that the functions of the connector fit the requests and replies of the service."""
    action = case.hook.action
    if not action:
        return (
            not_checked("the connector is not known")
            if not case.hook.connector
            else broken("the connector has no action of the type predict", case.facts["correct"])
        )
    wanted = _fitting_function(case)
    post = str(action.get("post_process_function") or "")
    correct = case.facts["correct"]
    if wanted == "":
        return broken(
            "the service replies with a bare array of index and score, which no function of OpenSearch reads",
            f"use the path /v1/rerank with the functions of cohere: {correct}",
        )
    if post != wanted:
        return broken(
            f"post_process_function is {post or 'missing'}, and the reply of {case.hook.url} needs {wanted}",
            f"set post_process_function to {wanted}: {correct}",
        )
    pre = str(action.get("pre_process_function") or "")
    if not pre.endswith(_RERANK):
        seen = f"pre_process_function is {pre or 'missing'}"
        return broken(seen, f"set pre_process_function to connector.pre_process.cohere.rerank: {correct}")
    return works(post)


def _fitting_function(case: HookCase) -> str:
    """Return the function that fits the service's reply; "" if none does. By the path, if there is no reply."""
    reply = case.first_reply
    if reply is not None and reply.status == 200 and isinstance(reply.body, list):
        named = any("relevance_score" in row for row in reply.rows() or [])
        return "connector.post_process.default.rerank" if named else ""
    path = urlsplit(case.hook.url).path
    post = str(case.hook.action.get("post_process_function") or "")
    known = reply is not None and reply.status == 200 and reply.rows() is not None
    return "connector.post_process.cohere.rerank" if known or path.endswith(("/v1/rerank", "/v2/rerank")) else post


def check_request_body(case: HookCase) -> Finding:
    """Check the request that the connector builds: query, documents, and no limit of results."""
    body = str(case.hook.action.get("request_body") or "")
    if not body:
        return not_checked("the connector has no request_body, or is not known")
    correct = case.facts["correct"]
    if '"${parameters.query}"' not in body or "${parameters.documents}" not in body:
        seen = 'the request_body lacks "${parameters.query}" in quotes or ${parameters.documents}'
        return broken(seen, f"write both as in docs/engine-hooks.md: {correct}")
    if '"${parameters.documents}"' in body:
        return broken("${parameters.documents} is in quotes in the request_body", f"remove the quotes: {correct}")
    if found := re.search(r'"(top_n|top_k)"\s*:\s*(\d+)', body):
        seen = f"the request_body has {found[1]} {found[2]}, and OpenSearch fails if documents are missing"
        return broken(seen, f"remove {found[1]} from the request_body: {correct}")
    return works("query and documents, all of which are returned")


def check_limits(case: HookCase) -> Finding:
    """Check that a slow service cannot hold up a search."""
    hook = case.hook
    if not hook.connector:
        return not_checked("the connector is not known")
    correct = case.facts["correct"]
    if hook.read_timeout is None:
        seen = "client_config has no read_timeout: a search can wait for a silent service for more than 100 s"
        return warning(seen, f'set "read_timeout": 5 (seconds): {correct}')
    if not case.is_resift:
        return works(f"read_timeout {hook.read_timeout:g} s")
    if hook.deadline_ms is None:
        limit = f"read_timeout {hook.read_timeout:g} s"
        seen = f"the request_body has no timeout_ms: a busy service answers too late, after {limit}"
        return warning(seen, f'add "timeout_ms": 2000 to the request_body, below read_timeout: {correct}')
    if hook.deadline_ms >= 1000 * hook.read_timeout:
        seen = f"timeout_ms {hook.deadline_ms} is not below read_timeout {hook.read_timeout:g} s"
        return warning(seen, f"lower timeout_ms, or raise read_timeout: {correct}")
    return works(f"timeout_ms {hook.deadline_ms}, read_timeout {hook.read_timeout:g} s")


def check_ignore_failure(case: HookCase) -> Finding:
    """Check that a search does not fail because the service does."""
    if case.hook.ignores_failure:
        return works("ignore_failure is true: a failed call keeps the first order, and no reply shows it")
    processor = {**case.hook.processor, "ignore_failure": True}
    body = json.dumps({"response_processors": [{"rerank": processor}]})
    return warning(
        "ignore_failure is not true: every search fails while the service is down or refuses",
        f"PUT _search/pipeline/{case.hook.pipeline} {body} (keep its other processors)",
    )


PLANNED: tuple[Check[HookCase], ...] = (
    Check("settings", "plugins", "the plugins that call models are installed", check_plugins),
    Check("settings", "trusted address", "the cluster trusts the service's address", check_trusted),
    Check("settings", "private address", "the cluster may call the service's address", check_private),
    Check("settings", "nodes", "a node may run models", check_nodes),
)
"""The checks of a service to which no connector was created yet."""

CHECKS: tuple[Check[HookCase], ...] = (
    Check("settings", "plugins", "the plugins that call models are installed", check_plugins),
    Check("settings", "model", "the pipeline's model and connector exist", check_model),
    Check("settings", "trusted address", "the cluster trusts the connector's address", check_trusted),
    Check("settings", "private address", "the cluster may call the service's address", check_private),
    Check("settings", "nodes", "a node may run models", check_nodes),
    Check("connector", "functions", "the connector reads the service's reply", check_functions),
    Check("connector", "request body", "the request has query and documents, all of them", check_request_body),
    Check("connector", "time limits", "a slow service cannot hold up a search", check_limits),
    Check("connector", "ignore_failure", "a search does not fail with the service", check_ignore_failure),
)
