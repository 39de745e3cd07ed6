"""`resift attach` interrupted at each request, and beside what others made, on a real OpenSearch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from resift.rerank.attach.attachment import attach, detach
from resift.rerank.attach.engine_requests import open_requests
from resift.rerank.attach.opensearch_requests import connector_body
from resift.rerank.attach.outcome import Wanted
from resift.rerank.attach.record import RecordFile
from resift.rerank.attach.service import Service
from resift.retrieval.errors import EngineError
from tests.engine.attaching import ML_NODES, PRIVATE, TRUSTED, Attaching, failing, state, strict_cluster
from tests.engine.engines import ask
from tests.engine.service_hook import allowed
from tests.rerank.cli.invoke import assert_one_line
from tests.rerank.service.running import running_service

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("engine", ["opensearch"], indirect=True)]

FIELD = ("--source-text", "text")
STEPS = [
    ("POST", "connectors/_create"),
    ("POST", "models/_register"),
    ("POST", "_predict"),
    ("PUT", "_search/pipeline"),
]
REMOVALS = [("DELETE", "_ml/models"), ("DELETE", "_ml/connectors"), ("PUT", "_cluster/settings")]


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with running_service("--model", "resift-tiny") as running:
        yield running.url


@pytest.fixture
def attaching(engine: str, service: str, name: str, tmp_path: Path) -> Iterator[Attaching]:
    with allowed(engine), strict_cluster(engine):
        made = Attaching(engine, service, name, tmp_path, "")
        yield made
        made.detach()


@pytest.mark.parametrize(("method", "part"), STEPS)
def test_an_attach_that_was_killed_is_completed_by_the_next_one(attaching: Attaching, method: str, part: str) -> None:
    before = state(attaching.engine)
    record = RecordFile(str(attaching.record))
    with failing(attaching.engine, method, part) as requests, pytest.raises(KeyboardInterrupt):
        attach(requests, Wanted(attaching.name, "text"), Service(attaching.service), record)
    assert attaching.record.exists()
    done = attaching.attach("", *FIELD)
    assert done.code == 0, done.err
    found = state(attaching.engine)
    assert [len(found[kind]) - len(before[kind]) for kind in ("connectors", "models", "model_groups")] == [1, 1, 1]
    assert attaching.detach().code == 0
    assert state(attaching.engine) == before


@pytest.mark.parametrize(("method", "part"), STEPS[:3])
def test_an_attach_that_was_killed_is_taken_back_without_the_record(
    attaching: Attaching, method: str, part: str
) -> None:
    before = state(attaching.engine)
    record = RecordFile(str(attaching.record))
    with failing(attaching.engine, method, part) as requests, pytest.raises(KeyboardInterrupt):
        attach(requests, Wanted(attaching.name, "text"), Service(attaching.service), record)
    attaching.record.unlink()
    assert state(attaching.engine) != before
    assert attaching.detach().code == 0
    assert state(attaching.engine) == before


@pytest.mark.parametrize(("method", "part"), REMOVALS)
def test_a_detach_that_was_killed_is_completed_by_the_next_one(attaching: Attaching, method: str, part: str) -> None:
    before = state(attaching.engine)
    assert attaching.attach("", *FIELD).code == 0
    with failing(attaching.engine, method, part) as requests, pytest.raises(KeyboardInterrupt):
        detach(requests, attaching.name, RecordFile(str(attaching.record)))
    assert attaching.detach().code == 0
    assert state(attaching.engine) == before


def test_a_service_that_the_engine_does_not_reach_gets_no_pipeline_and_a_later_attach_repairs_it(
    attaching: Attaching,
) -> None:
    before = state(attaching.engine)
    requests = open_requests(attaching.engine)
    with closing(requests), pytest.raises(EngineError, match="this machine, but not the engine .*Connection refused"):
        wanted = Wanted(attaching.name, "text")
        attach(requests, wanted, Service("http://127.0.0.1:9"), RecordFile(str(attaching.record)))
    found = state(attaching.engine)
    assert attaching.name not in found["pipelines"] and len(found["connectors"]) == 1
    assert attaching.attach("", *FIELD).code == 0
    assert len(state(attaching.engine)["connectors"]) == 1
    assert attaching.detach().code == 0
    assert state(attaching.engine) == before


def test_a_record_that_cannot_be_written_stops_before_any_change(attaching: Attaching) -> None:
    before = state(attaching.engine)
    assert_one_line(attaching.attach("", *FIELD, "--record", "/no/such/folder/record.json"), 1, "/no/such/folder")
    assert state(attaching.engine) == before


def test_strangers_objects_of_the_same_name_are_never_touched(attaching: Attaching) -> None:
    engine, name = attaching.engine, attaching.name
    theirs = {**connector_body(name, Service("https://api.others.com"), 1000), "description": "not of resift"}
    connector = httpx.post(f"{engine}/_plugins/_ml/connectors/_create", json=theirs).json()["connector_id"]
    pipeline = {"response_processors": [{"rerank": {"by_field": {"target_field": "n"}}}]}
    ask("PUT", f"{engine}/_search/pipeline/{name}", pipeline)
    before = state(engine)
    try:
        refused = attaching.attach("", *FIELD)
        assert_one_line(refused, 1, "a connector", "a search pipeline", "did not make", "--name")
        assert attaching.detach().out.startswith("nothing named ")
        assert state(engine) == before
    finally:
        ask("DELETE", f"{engine}/_plugins/_ml/connectors/{connector}")
        ask("DELETE", f"{engine}/_search/pipeline/{name}")


def test_two_attachments_share_the_settings_until_the_last_is_detached(attaching: Attaching, tmp_path: Path) -> None:
    before = state(attaching.engine)
    other = Attaching(
        attaching.engine, attaching.service.replace("127.0.0.1", "localhost"), f"{attaching.name}-b", tmp_path, ""
    )
    assert attaching.attach("", *FIELD).code == other.attach("", *FIELD).code == 0
    assert len(state(attaching.engine)["settings"]["persistent"][TRUSTED]) == 3
    assert attaching.detach().code == 0
    [theirs, ours] = state(attaching.engine)["settings"]["persistent"][TRUSTED]
    assert (theirs, "localhost" in ours) == ("^https://api\\.others\\.com/.*$", True)
    assert other.detach().code == 0
    assert state(attaching.engine) == before


def test_what_others_set_in_the_meantime_is_kept(attaching: Attaching) -> None:
    assert attaching.attach("", *FIELD).code == 0
    [theirs, ours] = state(attaching.engine)["settings"]["persistent"][TRUSTED]
    changed = {"persistent": {TRUSTED: [theirs, ours, "^https://new/.*$"]}}
    ask("PUT", f"{attaching.engine}/_cluster/settings", changed)
    done = attaching.detach()
    assert done.code == 0 and f"{TRUSTED} was changed since resift set it" in done.err
    assert state(attaching.engine)["settings"]["persistent"][TRUSTED] == [theirs, "^https://new/.*$"]


def test_settings_that_allow_the_service_already_are_not_changed(attaching: Attaching) -> None:
    enough = {TRUSTED: ["^http://.*$"], PRIVATE: "true", ML_NODES: "false"}
    ask("PUT", f"{attaching.engine}/_cluster/settings", {"persistent": enough})
    before = state(attaching.engine)["settings"]
    assert attaching.attach("", *FIELD).code == 0
    assert state(attaching.engine)["settings"] == before
