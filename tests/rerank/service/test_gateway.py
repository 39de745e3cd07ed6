"""A service whose model is on another server: the same scores, and an error that says so when that server is gone."""

from __future__ import annotations

import signal

import httpx
import pytest

from tests.rerank.service.running import running_service

BODY = {"query": "what do cats eat", "documents": ["Dogs bark at night.", "Cats live on meat and fish.", ""]}


def test_a_service_passes_the_scores_of_another_one_on_and_says_when_it_is_gone() -> None:
    with running_service("--model", "resift-tiny") as behind:
        with running_service("--model", behind.url, environment={"no_proxy": "*"}) as running:
            results = [httpx.post(f"{url}/v1/rerank", json=BODY).json()["results"] for url in (running.url, behind.url)]
            assert results[0] == results[1] and len(results[0]) == 3
            assert httpx.get(f"{running.url}/info").json()["model_id"] == behind.url
            behind.stop(signal.SIGKILL)
            reply = httpx.post(f"{running.url}/v1/rerank", json={**BODY, "query": "another one"}, timeout=60)
            assert reply.status_code == 503 and "the log of the service has the reason" in reply.json()["error"]
            assert "the server cannot be reached" in running.wait_for("model failed")["error"]
            assert running.stop() == 0


def test_a_model_on_a_server_that_hangs_holds_up_neither_the_local_models_nor_the_end_of_the_service() -> None:
    with running_service("--model", "resift-tiny") as behind:
        options = ("--model", "resift-tiny", "--serve-model", f"far={behind.url}", "--drain-seconds", "1")
        with running_service(*options, environment={"no_proxy": "*"}) as running:
            far = httpx.post(f"{running.url}/v1/rerank", json={**BODY, "model": "far"}).json()
            behind.process.send_signal(signal.SIGSTOP)
            with httpx.Client(timeout=0.5) as client, pytest.raises(httpx.ReadTimeout):
                client.post(f"{running.url}/v1/rerank", json={**BODY, "query": "an other one", "model": "far"})
            near = httpx.post(f"{running.url}/v1/rerank", json=BODY, timeout=30).json()
            assert near["results"] == far["results"] and (near["model"], far["model"]) == ("resift-tiny", "far")
            assert running.stop() == 0
            assert running.wait_for("stopped")["open"] == 0
            behind.process.send_signal(signal.SIGCONT)
