"""An OpenSearch with a search pipeline that reranks, set up without resift, and what the doctor says of it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.engine.engines import STAGED, staged
from tests.engine.service_hook import CONNECTOR, KEY, MODEL, PIPELINE, REMOVAL, SETTINGS, THEIRS, remove, send
from tests.rerank.cli.invoke import Done, invoke

TEXTS = {
    "cats": "Cats live on meat and fish, and what they eat first is fish",
    "dogs": "Dogs bark at night and eat what cats leave",
    "soup": "Simmer the red lentils for an hour, then eat the soup",
    "rain": "The rain in the mountains will end before the night",
    "fish": "Fish eat what lives in the water, and cats eat fish",
}
MAPPING = {"properties": {"title": {"type": "text"}, "text": {"type": "text"}}}
DEFAULTS: dict[str, Any] = {
    "plugins.ml_commons.trusted_connector_endpoints_regex": ["^http://127\\.0\\.0\\.1:[0-9]+/.*$"],
    "plugins.ml_commons.connector.private_ip_enabled": True,
    "plugins.ml_commons.only_run_on_ml_node": False,
}
assert DEFAULTS.keys() == SETTINGS[2]["persistent"].keys()


@dataclass(frozen=True, slots=True)
class Setup:
    """How the pipeline is set up; without changes it is the one of docs/engine-hooks.md."""

    fields: tuple[str, ...] = ("text",)
    processor: Mapping[str, Any] = field(default_factory=lambda: {"ignore_failure": True})
    action: Mapping[str, Any] = field(default_factory=dict)
    client: Mapping[str, Any] = field(default_factory=lambda: {"read_timeout": 5})
    key: str = KEY


@contextmanager
def filled(engine: str, mapping: Mapping[str, Any] | None = None, **sources: Any) -> Iterator[str]:
    """Yield the URL of an index with `sources` by their ids, or with `TEXTS`; it is removed at the end."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    send(engine, ("PUT", name, {"mappings": mapping or MAPPING})).raise_for_status()
    try:
        for doc_id, source in (
            sources or {one: {"title": f"{one} today", "text": text} for one, text in TEXTS.items()}
        ).items():
            send(engine, ("PUT", f"{name}/_doc/{doc_id}", source)).raise_for_status()
        send(engine, ("POST", f"{name}/_refresh", None)).raise_for_status()
        yield f"{engine}/{name}"
    finally:
        send(engine, ("DELETE", name, None)).raise_for_status()


@contextmanager
def piped(engine: str, service: str, setup: Setup | None = None) -> Iterator[str]:
    """Yield the id of a connector that the pipeline "resift" calls by a model; all of them are removed at the end."""
    how = setup or Setup()
    connector = json.loads(json.dumps(CONNECTOR[2]))
    connector["credential"]["api_key"] = how.key
    connector["client_config"] |= how.client
    connector["actions"][0] |= how.action
    places = {THEIRS: service, "resift-small": "resift-tiny"}
    made = send(engine, (CONNECTOR[0], CONNECTOR[1], connector), places)
    assert made.status_code == 200, made.text
    places["CONNECTOR_ID"] = made.json()["connector_id"]
    places["MODEL_ID"] = send(engine, MODEL, places).json()["model_id"]
    pipeline = json.loads(json.dumps(PIPELINE[2]))
    rerank = pipeline["response_processors"][0]["rerank"]
    rerank.pop("ignore_failure")
    rerank |= {"context": {"document_fields": list(how.fields)}, **how.processor}
    try:
        send(engine, (PIPELINE[0], PIPELINE[1], pipeline), places).raise_for_status()
        yield places["CONNECTOR_ID"]
    finally:
        remove(engine, REMOVAL, places)


@contextmanager
def set_to(engine: str, **changes: Any) -> Iterator[None]:
    """Change settings of the cluster, named by their last parts, until the block ends."""
    changed = {name: changes.get(name.rpartition(".")[2], value) for name, value in DEFAULTS.items()}
    send(engine, ("PUT", "_cluster/settings", {"persistent": changed})).raise_for_status()
    try:
        yield
    finally:
        send(engine, ("PUT", "_cluster/settings", {"persistent": DEFAULTS})).raise_for_status()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The rows of a report by group and name, and the command line's exit code."""

    code: int
    rows: Mapping[tuple[str, str], Mapping[str, str]]

    def outcome(self, group: str, check: str) -> str:
        return self.rows[group, check]["outcome"]

    def named(self, outcome: str) -> set[tuple[str, str]]:
        return {place for place, row in self.rows.items() if row["outcome"] == outcome}

    def said(self, group: str, check: str) -> str:
        """What was seen, with the remedy."""
        return "{seen} → {remedy}".format(**self.rows[group, check])


def diagnosis(target: str, *options: str, key: str = KEY, model: str = "none") -> Diagnosis:
    """Run `resift doctor` on an index; without a model there are no alarms."""
    done = called(target, "--json", "--model", model, *options, key=key)
    assert done.code in (0, 1), done.err
    report = json.loads(done.out)
    rows = {(row["group"], row["check"]): row for row in report["checks"]}
    assert len(rows) == len(report["checks"])
    return Diagnosis(done.code, rows)


def called(target: str, *options: str, key: str = KEY) -> Done:
    return invoke(
        "doctor", target, "--model", "resift-tiny", *options, env={"RESIFT_MODEL_API_KEY": key} if key else {}
    )


@contextmanager
def own_engine(port: int) -> Iterator[str]:
    """Yield an OpenSearch that no other file of tests uses, because the settings of its cluster are changed."""
    if given := os.environ.get("RESIFT_TEST_DOCTOR"):
        yield given.rstrip("/")
    elif STAGED.exists():
        with staged("opensearch", port) as url:
            yield url
    else:
        pytest.skip("no OpenSearch whose settings may be changed: set RESIFT_TEST_DOCTOR=URL")


def objects(engine: str) -> list[tuple[str, str]]:
    """Return the ids and names of all connectors and models."""
    found = []
    for kind in ("connectors", "models"):
        body = {"query": {"match_all": {}}, "size": 1000}
        hits = send(engine, ("POST", f"_plugins/_ml/{kind}/_search", body)).json()["hits"]["hits"]
        found += [(hit["_id"], hit["_source"]["name"]) for hit in hits]
    return sorted(found)
