"""Metrics, logs and headers: what they say is what happened, and no text is in them."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.rerank.service.running import Running, running_service


def metrics(running: Running) -> dict[str, float]:
    """Return the value of each sample, by name and labels: "name{label=value}"."""
    found = {}
    for family in text_string_to_metric_families(httpx.get(f"{running.url}/metrics").text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_metrics_headers_and_log_say_what_was_done_and_contain_no_text() -> None:
    with running_service("--model", "resift-tiny") as running:
        body = {"query": "secretquery", "documents": ["secretdocument one", "secretdocument two " + "long " * 2000, ""]}
        reply = httpx.post(f"{running.url}/v1/rerank", json=body, headers={"X-Request-Id": "my-request-7"})
        again = httpx.post(f"{running.url}/v1/rerank", json=body)
        bad = httpx.post(f"{running.url}/v1/rerank", json={"query": "q", "documents": 3})
        assert bad.status_code == 422
        found = metrics(running)
        running.wait_for("request", count=3)
        assert running.stop() == 0
    assert reply.headers["x-request-id"] == "my-request-7" != again.headers["x-request-id"]
    assert reply.headers["x-resift-scored"] == "3/3" and reply.headers["x-resift-truncated"] == "1"
    assert int(reply.headers["x-compute-tokens"]) > 100 and again.headers["x-compute-tokens"] == "0"
    assert found["resift_requests_total{route=/v1/rerank,status=200}"] == 2
    assert found["resift_requests_total{route=/v1/rerank,status=422}"] == 1
    assert found["resift_request_documents_sum"] == 6
    assert found["resift_documents_scored_total{model=resift-tiny}"] == 6
    assert found["resift_documents_truncated_total"] == 2
    assert found["resift_cache_pairs_total{result=hit}"] == 2 == found["resift_cache_pairs_total{result=miss}"]
    assert found["resift_batch_pairs_sum"] == 2
    assert found["resift_tokens_total"] == float(reply.headers["x-compute-tokens"])
    assert found["resift_padded_tokens_total"] >= found["resift_tokens_total"]
    assert found["resift_rejections_total{reason=invalid}"] == 1
    assert found["resift_queue_jobs"] == 0 and found["resift_models_loaded"] == 1
    lines = [line for line in running.lines if line["event"] == "request"]
    assert [line["status"] for line in lines] == [200, 200, 422]
    assert lines[0]["request_id"] == "my-request-7" and lines[0]["documents"] == lines[0]["scored"] == 3
    assert lines[1]["cached"] == 2
    assert "secret" not in str(running.lines) + str(running.plain) + str(found)


def test_queries_are_in_the_log_only_if_they_are_asked_for() -> None:
    with running_service("--model", "resift-tiny", "--log-queries") as running:
        httpx.post(f"{running.url}/rerank", json={"query": "what do cats eat", "texts": ["fish"]}).raise_for_status()
        assert running.wait_for("request")["query"] == "what do cats eat"


def test_an_answer_in_time_says_how_many_documents_were_scored(service: Running) -> None:
    documents = [f"document {place} " + "of some length, with many words " * 30 for place in range(3000)]
    reply = httpx.post(
        f"{service.url}/v1/rerank",
        json={"query": "what do cats eat", "documents": documents},
        headers={"X-Deadline-Ms": "1000"},
        timeout=60,
    )
    scored, total = map(int, reply.headers["x-resift-scored"].split("/"))
    body = reply.json()
    assert total == 3000 and 0 < scored < 3000 and len(body["results"]) == 3000
    assert body["resift"]["partial"] is True and body["resift"]["scored"] == scored
    left = [result["index"] for result in body["results"][scored:]]
    assert left == sorted(left)
    shown = [result["relevance_score"] for result in body["results"]]
    assert shown == sorted(shown, reverse=True)


def test_a_service_whose_model_is_loaded_says_that_it_is_ready(service: Running) -> None:
    ready = httpx.get(f"{service.url}/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "models": ["resift-tiny"]})
    assert httpx.get(f"{service.url}/health").json() == {"status": "ok"}


def test_the_page_of_documentation_names_every_path_and_loads_nothing_from_elsewhere(service: Running) -> None:
    page = httpx.get(f"{service.url}/docs")
    for path in httpx.get(f"{service.url}/openapi.json").json()["paths"]:
        assert path in page.text
    assert "<script" not in page.text and "http://" not in page.text.replace("http://www.w3.org", "")
