"""The settings of a cluster and what its nodes have, as far as the user may read them."""

from __future__ import annotations

from dataclasses import dataclass

from resift.rerank.attach.attachment import plugins_of
from resift.rerank.attach.cluster_settings import TRUSTED, ClusterSettings, is_trusted, readable_settings
from resift.rerank.attach.engine_requests import EngineRequests
from resift.rerank.attach.opensearch import has_ml_node


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's settings, the plugins that every node has, and whether a node has the role ml.

    Each is None if the user may not read it.
    """

    settings: ClusterSettings | None
    plugins: frozenset[str] | None
    ml_node: bool | None

    def trusted(self, url: str) -> bool | None:
        """Return whether the list of trusted addresses has one that fits `url`; None if the list is not known."""
        if self.settings is None or self.settings.effective(TRUSTED) is None:
            return None
        return is_trusted(url, self.settings.trusted())

    def flag(self, name: str) -> bool | None:
        """Return a setting that is true or false; None if it is not known."""
        found = None if self.settings is None else self.settings.effective(name)
        return None if found is None else str(found).lower() == "true"


def read_cluster(requests: EngineRequests) -> Cluster:
    """Read the settings and the nodes of an OpenSearch. Raises StatusError if it does not answer."""
    return Cluster(readable_settings(requests), plugins_of(requests), has_ml_node(requests))
