"""A service as a process: it starts, answers, reloads, and ends after what it accepted is answered."""

from __future__ import annotations

import signal

import httpx

from resift.rerank.scorers.load import load_scorer
from tests.rerank.service.running import Running, running_service

DOCUMENTS = ["Dogs bark at night.", "Cats live on meat and fish.", "A bridge crosses the river."]


def test_results_are_those_of_the_model_in_this_process(service: Running) -> None:
    expected = load_scorer("resift-tiny").rank("what do cats eat", DOCUMENTS, activation="sigmoid")
    reply = httpx.post(f"{service.url}/v1/rerank", json={"query": "what do cats eat", "documents": DOCUMENTS}).json()
    assert [result["index"] for result in reply["results"]] == [row["corpus_id"] for row in expected]
    for result, row in zip(reply["results"], expected, strict=True):
        assert abs(result["relevance_score"] - row["score"]) < 1e-6


def test_sigterm_ends_the_service_with_exit_code_0_and_the_counts_of_what_it_answered() -> None:
    with running_service("--model", "resift-tiny") as running:
        for _ in range(3):
            httpx.post(f"{running.url}/score", json={"text_1": "a", "text_2": "b"}).raise_for_status()
        assert running.stop(signal.SIGTERM) == 0
        assert {name: running.wait_for("stopped")[name] for name in ("accepted", "answered", "left", "open")} == {
            "accepted": 3,
            "answered": 3,
            "left": 0,
            "open": 0,
        }


def test_sighup_loads_the_models_anew_and_requests_go_on() -> None:
    with running_service("--model", "resift-tiny") as running:
        before = httpx.post(f"{running.url}/score", json={"text_1": "a", "text_2": "b"}).json()["data"]
        running.process.send_signal(signal.SIGHUP)
        assert running.wait_for("reloaded")["models"] == ["resift-tiny"]
        assert httpx.post(f"{running.url}/score", json={"text_1": "a", "text_2": "b"}).json()["data"] == before
