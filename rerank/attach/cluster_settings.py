"""The settings of an OpenSearch cluster that decide which services it may call, and how they are changed and restored.

The previous values are kept in the cluster itself, in the setting `cluster.metadata.resift_attach`, which is written
by the same request as the others: a change is never made without its record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resift.rerank.attach.engine_requests import EngineRequests
from resift.retrieval.engine.client_errors import REFUSED_STATUSES, parsing
from resift.retrieval.errors import StatusError

TRUSTED = "plugins.ml_commons.trusted_connector_endpoints_regex"
PRIVATE = "plugins.ml_commons.connector.private_ip_enabled"
ML_NODES = "plugins.ml_commons.only_run_on_ml_node"
RECORD = "cluster.metadata.resift_attach"
"""The cluster's setting that holds a `Record`, as JSON."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """The settings of a cluster as the engine returns them: flat names, and text or lists of text as values."""

    persistent: Mapping[str, Any]
    transient: Mapping[str, Any]
    defaults: Mapping[str, Any]

    def scope(self, name: str) -> str:
        """Return where a setting has to be changed to have effect: "transient" if it is set there."""
        return "transient" if name in self.transient else "persistent"

    def explicit(self, name: str) -> Any:  # noqa: ANN401 - text or a list
        """Return the value that was set for the cluster; None if there is none."""
        return self.transient.get(name, self.persistent.get(name))

    def effective(self, name: str) -> Any:  # noqa: ANN401 - text or a list
        """Return the value in effect, also by a node's file or by default; None if this version lacks the setting."""
        value = self.explicit(name)
        return self.defaults.get(name) if value is None else value

    def trusted(self) -> list[str]:
        """Return the patterns of the addresses that connectors may call."""
        found = self.effective(TRUSTED)
        return [found] if isinstance(found, str) else list(found or [])


@dataclass(frozen=True, slots=True)
class Before:
    """A setting before resift changed it: its `scope`, its `value` there (None: not set), and what was in `effect`."""

    scope: str
    value: Any
    effect: Any


@dataclass(frozen=True, slots=True)
class Record:
    """What resift changed: each setting as it was before and as it was set, and the address that each name allows."""

    before: Mapping[str, Before] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        before = {name: [one.scope, one.value, one.effect] for name, one in self.before.items()}
        return {"before": before, "made": dict(self.made), "names": dict(self.names)}


def read_settings(requests: EngineRequests) -> ClusterSettings:
    """Return the settings of the cluster. Raises StatusError if the user has no right to read them."""
    params = {"include_defaults": "true", "flat_settings": "true"}
    found = requests.send("GET", "_cluster/settings", params=params)
    with parsing(requests.url):
        return ClusterSettings(found["persistent"], found["transient"], found.get("defaults", {}))


def readable_settings(requests: EngineRequests) -> ClusterSettings | None:
    """Return the settings of the cluster, None if the user has no right to them. Raises StatusError otherwise."""
    try:
        return read_settings(requests)
    except StatusError as error:
        if error.status not in REFUSED_STATUSES:
            raise
    return None


def read_record(settings: ClusterSettings, other: object = None) -> Record:
    """Return the record in the cluster, else `other`, the JSON object of a file; empty if neither can be read."""
    text = settings.explicit(RECORD)
    try:
        found = json.loads(text) if isinstance(text, str) else other
        before = {name: Before(*one) for name, one in found["before"].items()}  # type: ignore[index]
        return Record(before, dict(found["made"]), dict(found["names"]))  # type: ignore[index]
    except (ValueError, TypeError, KeyError, AttributeError):
        return Record()


def is_trusted(url: str, patterns: list[str]) -> bool:
    """Return True if one of the `patterns` matches the whole `url`; one that Python cannot read does not.

    >>> is_trusted("http://a:1/v1/rerank", ["^http://a:1/.*$"]), is_trusted("http://b:1/v1/rerank", ["http://a.*", "("])
    (True, False)
    """
    for pattern in patterns:
        try:
            if re.fullmatch(pattern, url):
                return True
        except re.error:
            continue
    return False


def pattern_of(url: str) -> str:
    r"""Return the pattern that allows `url` alone.

    >>> pattern_of("http://a.b:8080/v1/rerank")
    '^http://a\\.b:8080/v1/rerank$'
    """
    return f"^{re.escape(url)}$"
