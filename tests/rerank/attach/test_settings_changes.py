"""How the settings of a cluster are changed for several attachments, and restored, whatever others change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resift.rerank.attach.cluster_settings import ML_NODES, PRIVATE, RECORD, TRUSTED, ClusterSettings, read_record
from resift.rerank.attach.service import Service
from resift.rerank.attach.settings_changes import allow, disallow

DEFAULTS = {TRUSTED: ["^https://others/.*$"], PRIVATE: "false", ML_NODES: "true"}
A, B = Service("http://10.0.0.1:8080"), Service("http://10.0.0.2:8080")
PATTERN_A, PATTERN_B = "^http://10\\.0\\.0\\.1:8080/v1/rerank$", "^http://10\\.0\\.0\\.2:8080/v1/rerank$"


class Cluster:
    """The settings of a cluster, which the changes are applied to."""

    def __init__(self, **scopes: dict[str, Any]) -> None:
        self.scopes: dict[str, dict[str, Any]] = {"persistent": {}, "transient": {}, **scopes}

    def read(self) -> ClusterSettings:
        return ClusterSettings(self.scopes["persistent"], self.scopes["transient"], DEFAULTS)

    def attach(self, name: str, service: Service, ml_node: bool | None = False) -> tuple[str, ...]:
        settings = self.read()
        return self._apply(allow(settings, read_record(settings), name, service, ml_node))

    def detach(self, name: str) -> tuple[str, ...]:
        settings = self.read()
        return self._apply(disallow(settings, read_record(settings), name))

    def _apply(self, arranged: Any) -> tuple[str, ...]:
        for scope, values in (arranged.step.body if arranged.step else {}).items():
            merged = {**self.scopes[scope], **values}
            self.scopes[scope] = {name: value for name, value in merged.items() if value is not None}
        notes: tuple[str, ...] = arranged.notes
        return notes

    @property
    def trusted(self) -> Any:
        return self.read().trusted()


def test_the_built_in_list_is_kept_and_everything_is_restored() -> None:
    cluster = Cluster()
    notes = cluster.attach("a", A)
    assert cluster.trusted == [*DEFAULTS[TRUSTED], PATTERN_A]
    assert cluster.read().effective(PRIVATE) == "true" and cluster.read().effective(ML_NODES) == "false"
    assert [note.partition(" ")[0] for note in notes] == [PRIVATE, ML_NODES]
    assert "10.0.0.1 is a private address" in notes[0]
    assert cluster.detach("a") == ()
    assert cluster.scopes == {"persistent": {}, "transient": {}}


@pytest.mark.parametrize("ml_node", [True, None])
def test_the_ml_nodes_are_left_alone_if_there_is_one_or_it_is_not_known(ml_node: bool | None) -> None:
    cluster = Cluster()
    cluster.attach("a", A, ml_node)
    assert cluster.read().effective(ML_NODES) == "true"


def test_a_setting_that_this_version_lacks_is_not_sent() -> None:
    settings = ClusterSettings({}, {}, {TRUSTED: []})
    body = allow(settings, read_record(settings), "a", A, False).step
    assert body is not None and set(body.body or {}) == {"persistent"}
    assert set((body.body or {})["persistent"]) == {TRUSTED, RECORD}


def test_the_same_attachment_twice_changes_nothing() -> None:
    cluster = Cluster()
    cluster.attach("a", A)
    settings = cluster.read()
    assert allow(settings, read_record(settings), "a", A, False).step is None


@pytest.mark.parametrize("first", ["a", "b"])
def test_two_attachments_are_detached_in_any_order(first: str) -> None:
    cluster = Cluster(persistent={TRUSTED: ["^x$"]})
    cluster.attach("a", A)
    cluster.attach("b", B)
    assert cluster.trusted == ["^x$", PATTERN_A, PATTERN_B]
    cluster.detach(first)
    assert cluster.trusted == ["^x$", PATTERN_B if first == "a" else PATTERN_A]
    assert cluster.read().effective(PRIVATE) == "true"
    cluster.detach("b" if first == "a" else "a")
    assert cluster.scopes["persistent"] == {TRUSTED: ["^x$"]}


def test_two_attachments_of_one_service_keep_its_address_until_both_are_gone() -> None:
    cluster = Cluster()
    cluster.attach("a", A)
    cluster.attach("b", A)
    cluster.detach("a")
    assert cluster.trusted == [*DEFAULTS[TRUSTED], PATTERN_A]
    cluster.detach("b")
    assert cluster.scopes["persistent"] == {}


def test_another_service_of_the_same_name_replaces_the_address() -> None:
    cluster = Cluster()
    cluster.attach("a", A)
    cluster.attach("a", B)
    assert cluster.trusted == [*DEFAULTS[TRUSTED], PATTERN_B]


def test_transient_settings_are_changed_where_they_have_effect() -> None:
    cluster = Cluster(transient={TRUSTED: ["^x$"]})
    cluster.attach("a", A)
    assert cluster.scopes["transient"] == {TRUSTED: ["^x$", PATTERN_A]} and TRUSTED not in cluster.scopes["persistent"]
    cluster.detach("a")
    assert cluster.scopes == {"persistent": {}, "transient": {TRUSTED: ["^x$"]}}


def test_what_others_changed_is_kept_and_reported() -> None:
    cluster = Cluster()
    cluster.attach("a", A)
    cluster.scopes["persistent"][TRUSTED] = ["^new$", PATTERN_A]
    del cluster.scopes["persistent"][PRIVATE]
    notes = cluster.detach("a")
    assert cluster.scopes["persistent"] == {TRUSTED: ["^new$"]}
    assert [note.partition(" ")[0] for note in notes] == [TRUSTED, PRIVATE]


def test_what_others_added_between_two_attachments_survives_both() -> None:
    cluster = Cluster()
    cluster.attach("a", A)
    cluster.scopes["persistent"][TRUSTED] = [*cluster.trusted, "^new$"]
    cluster.attach("b", B)
    cluster.detach("a")
    cluster.detach("b")
    assert cluster.scopes["persistent"] == {TRUSTED: [*DEFAULTS[TRUSTED], "^new$"]}


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"before": {"x": 1}, "made": {}, "names": {}}'])
def test_a_record_that_cannot_be_read_is_an_empty_one(text: str) -> None:
    settings = ClusterSettings({RECORD: text}, {}, DEFAULTS)
    assert read_record(settings).names == {}


def test_the_record_of_a_file_is_used_if_the_clusters_is_lost() -> None:
    cluster = Cluster()
    cluster.attach("a", A)
    kept = json.loads(cluster.scopes["persistent"].pop(RECORD))
    settings = cluster.read()
    step = disallow(settings, read_record(settings, kept), "a").step
    assert step is not None and step.body == {"persistent": {TRUSTED: None, PRIVATE: None, ML_NODES: None}}
