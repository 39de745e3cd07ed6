"""The settings of a cluster and what its nodes have, as far as the user may read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.attach.engine_requests import EngineRequests

TRUSTED = "plugins.ml_commons.trusted_connector_endpoints_regex"
PRIVATE = "plugins.ml_commons.connector.private_ip_enabled"
ML_NODES = "plugins.ml_commons.only_run_on_ml_node"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's effective settings by their full names, and the plugins and roles of its nodes.

    `settings` and `plugins` are None if the user may not read them; `roles` then has nothing.
    """

    settings: Mapping[str, Any] | None
    plugins: frozenset[str] | None
    roles: frozenset[str]

    def trusted(self, url: str) -> bool | None:
        """Return whether the list of trusted addresses has one that fits `url`; None if the list is not known."""
        found = None if self.settings is None else self.settings.get(TRUSTED)
        if found is None:
            return None
        return any(fits(pattern, url) for pattern in ([found] if isinstance(found, str) else found))

    def flag(self, name: str) -> bool | None:
        """Return a setting that is true or false; None if it is not known."""
        found = None if self.settings is None else self.settings.get(name)
        return None if found is None else str(found).lower() == "true"


def read_cluster(requests: EngineRequests) -> Cluster:
    """Read the settings and the nodes of an OpenSearch. Raises StatusError if it does not answer."""
    answer = requests.read("_cluster/settings", {"include_defaults": "true", "flat_settings": "true"})
    settings: dict[str, Any] | None = None
    if answer.known:
        settings = {}
        for level in ("defaults", "persistent", "transient"):  # a later one wins
            settings |= answer.body.get(level) or {}
    nodes = requests.read("_nodes", {"filter_path": "nodes.*.roles,nodes.*.plugins.name"})
    found = list((nodes.body.get("nodes") or {}).values()) if nodes.known else []
    plugins = frozenset(one["name"] for node in found for one in node.get("plugins") or [])
    roles = frozenset(role for node in found for role in node.get("roles") or [])
    return Cluster(settings, plugins if found else None, roles)


def fits(pattern: object, url: str) -> bool:
    """Return whether a regular expression of the list matches a whole URL; one that Python cannot read does not."""
    try:
        return re.fullmatch(str(pattern), url) is not None
    except re.error:
        return False


def pattern_of(url: str) -> str:
    """Return a regular expression for all paths of the server of `url`.

    >>> pattern_of("http://reranker:8080/v1/rerank")
    '^http://reranker:8080/.*$'
    """
    found = re.match(r"(https?://[^/]+)", url)
    server = found[1] if found else url
    return f"^{server.replace('.', chr(92) + '.')}/.*$"
