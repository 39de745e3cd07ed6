"""`resift doctor --probe` on a real OpenSearch: what it reports, and that it leaves nothing behind, also interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from resift.rerank.attach.doctor.probe import PREFIX, named, remove, temporary_model
from resift.rerank.attach.engine_requests import EngineRequests, open_requests
from tests.engine.doctored import diagnosis, objects, piped, set_to

pytestmark = pytest.mark.engine
PORT = 9382


def left(engine: str) -> list[str]:
    """Return the ids of what a probe made: connectors, models and model groups."""
    requests = open_requests(engine)
    found = [one for kind in ("connectors", "models", "model_groups") for one in named(requests, kind, PREFIX)]
    requests.close()
    return found


def test_the_probe_reports_what_the_engine_makes_of_each_reply_and_leaves_nothing(
    engine: str, target: str, service: str
) -> None:
    with piped(engine, service):
        before = objects(engine)
        found = diagnosis(target, "--probe")
        assert objects(engine) == before and left(engine) == []
    for check in (
        "reachable",
        "scores 0.0 and 1.0",
        "sorted reply",
        "rejecting service",
        "slow service",
        "service down",
    ):
        assert found.outcome("probe", check) == "works", found.said("probe", check)
    for check in ("integer scores", "long scores", "missing documents"):
        assert found.outcome("probe", check) == "warning"
    with piped(engine, service), set_to(engine, trusted_connector_endpoints_regex=["^https://elsewhere/.*$"]):
        refused = diagnosis(target, "--probe")
    assert refused.outcome("probe", "stub") == "not checked" and "trusted" in refused.said("probe", "stub")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_probe_leaves_no_connector_and_no_model(
    engine: str, target: str, service: str, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "resift", "doctor", target, "--probe", "--model", "none"]
    with piped(engine, service):
        before = objects(engine)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while len(objects(engine)) < len(before) + 2:
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(number)
        assert process.returncode == 128 + number
        assert objects(engine) == before and left(engine) == []


def test_a_connector_without_its_model_is_removed_too(engine: str) -> None:
    class Failing(EngineRequests):
        def send(self, method: str, path: str, *others: Any, **named: Any) -> Any:
            if path.endswith("_register"):
                raise KeyboardInterrupt
            return super().send(method, path, *others, **named)

    requests = Failing(open_requests(engine).engine)
    before = objects(engine)
    with pytest.raises(KeyboardInterrupt), temporary_model(requests, "http://127.0.0.1:1/v1/rerank"):
        pytest.fail("there is no model")
    assert objects(engine) == before and left(engine) == []
    remove(requests, f"{PREFIX}none")
    requests.close()
