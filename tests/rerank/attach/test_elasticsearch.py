"""`resift attach` and `resift detach` with Elasticsearch's inference API, as its specification describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rerank.attach.fake_engine import FakeInference, serving
from tests.rerank.cli.invoke import Done, assert_one_line, invoke
from tests.rerank.service.running import running_service

KEY = "the-key-of-elasticsearch"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    keys = {"RESIFT_SERVICE_KEYS": f"elasticsearch:{KEY}"}
    with running_service("--model", "resift-tiny", environment=keys) as running:
        yield running.url


def attach(url: str, service: str, record: Path, *options: str) -> Done:
    common = ("--service", service, "--source-text", "text", "--record", str(record))
    return invoke("attach", url, *common, *options, env={"RESIFT_MODEL_API_KEY": KEY})


def changes(engine: FakeInference) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in engine.seen if method in ("PUT", "DELETE")]


def test_an_endpoint_is_created_tried_recorded_and_removed(service: str, tmp_path: Path) -> None:
    engine, record = FakeInference(), tmp_path / "record.json"
    with serving(engine) as url:
        done = attach(url, service, record, "--json")
        assert done.code == 0, done.err
        assert engine.endpoints == {
            "resift": {"service": "hugging_face", "service_settings": {"url": f"{service}/rerank", "api_key": KEY}}
        }
        found: dict[str, Any] = json.loads(done.out)
        retriever = found["search"]["body"]["retriever"]["text_similarity_reranker"]
        assert (retriever["field"], retriever["inference_id"], retriever["rank_window_size"]) == ("text", "resift", 100)
        assert KEY not in done.out + done.err + record.read_text() and "***" in done.out
        again = attach(url, service, record)
        assert again.out.startswith("nothing to change")
        assert changes(engine) == [("PUT", "/_inference/rerank/resift")]
        assert invoke("detach", url, "--record", str(record)).code == 0
    assert engine.endpoints == {} and not record.exists()


@pytest.mark.parametrize(
    ("kinds", "options", "model", "expected"),
    [
        (("hugging_face", "openshift_ai", "custom"), (), "", "hugging_face"),
        (("openshift_ai", "custom"), (), "", "openshift_ai"),
        (("custom",), (), "", "custom"),
        (("hugging_face", "custom"), (), "#resift-tiny", "custom"),
        (("hugging_face", "openshift_ai", "custom"), ("--deadline-ms", "1500"), "", "custom"),
        (("hugging_face", "openshift_ai"), ("--inference-service", "openshift_ai"), "", "openshift_ai"),
    ],
)
def test_the_first_service_that_the_version_has_and_that_can_do_it_is_used(
    service: str, tmp_path: Path, kinds: tuple[str, ...], options: tuple[str, ...], model: str, expected: str
) -> None:
    engine = FakeInference(kinds=kinds)
    with serving(engine) as url:
        done = attach(url, service + model, tmp_path / "record.json", *options)
        assert done.code == 0, done.err
    [endpoint] = engine.endpoints.values()
    assert endpoint["service"] == expected
    if "--deadline-ms" in options:
        assert '"timeout_ms": 1500' in endpoint["service_settings"]["request"]


def test_other_arguments_create_the_endpoint_anew(service: str, tmp_path: Path) -> None:
    engine = FakeInference(kinds=("hugging_face", "custom"))
    with serving(engine) as url:
        assert attach(url, service, tmp_path / "r.json").code == 0
        assert attach(url, service, tmp_path / "r.json", "--deadline-ms", "900").code == 0
        path = "/_inference/rerank/resift"
        assert changes(engine) == [("PUT", path), ("DELETE", path), ("PUT", path)]
        assert invoke("detach", url, "--record", str(tmp_path / "r.json")).code == 0
    assert engine.endpoints == {}


def test_an_endpoint_that_is_not_recorded_is_never_touched(service: str, tmp_path: Path) -> None:
    engine = FakeInference()
    theirs = {"service": "hugging_face", "service_settings": {"url": "http://theirs/rerank", "api_key": "x"}}
    engine.endpoints["resift"] = theirs
    with serving(engine) as url:
        assert_one_line(attach(url, service, tmp_path / "r.json"), 1, "not touched", "--name")
        assert_one_line(invoke("detach", url, "--record", str(tmp_path / "r.json")), 1, "not touched", "--record")
    assert engine.endpoints == {"resift": theirs} and changes(engine) == []


def test_a_dry_run_shows_the_request_without_the_key_and_sends_nothing(tmp_path: Path) -> None:
    engine = FakeInference()
    with serving(engine) as url:
        done = attach(url, "http://reranker:8080", tmp_path / "r.json", "--dry-run")
    assert done.code == 0, done.err
    assert done.out.startswith('PUT _inference/rerank/resift\n{\n  "service": "hugging_face",')
    assert '"api_key": "***"' in done.out and KEY not in done.out + done.err
    assert changes(engine) == [] and not (tmp_path / "r.json").exists()


def test_a_basic_licence_is_refused_with_the_other_ways(service: str, tmp_path: Path) -> None:
    engine = FakeInference(licence="basic")
    with serving(engine) as url:
        done = attach(url, service, tmp_path / "r.json")
        assert_one_line(done, 1, "the licence is basic", "enterprise or trial", "proxy", "wrapper")
        plan = json.loads(invoke("plan", url, "--json").out)
    assert plan["recommended"]["name"] == "proxy"
    assert [(one["name"], one["fits"]) for one in plan["alternatives"]] == [("wrapper", True), ("hook", False)]


def test_with_a_licence_the_endpoint_is_recommended(service: str) -> None:
    with serving(FakeInference(licence="enterprise")) as url:
        plan = json.loads(invoke("plan", url, "--json").out)
    assert (plan["recommended"]["name"], plan["cluster"]["licence"]) == ("hook", "enterprise")


def test_a_service_that_the_engine_cannot_reach_is_an_error_that_says_so(service: str, tmp_path: Path) -> None:
    class Cut(FakeInference):
        def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
            cut = method == "POST" and path.startswith("/_inference")
            return (500, {"error": "connection refused"}) if cut else super().answer(method, path, body)

    with serving(Cut()) as url:
        done = attach(url, service, tmp_path / "r.json")
    assert_one_line(done, 1, "answers this machine, but not the engine", f"its nodes must reach {service}")


def test_a_basic_licence_is_reported_before_the_service_is_asked(tmp_path: Path) -> None:
    with serving(FakeInference(licence="basic")) as url:
        done = attach(url, "http://127.0.0.1:1", tmp_path / "record.json")
    assert_one_line(done, 1, "the licence is basic")


def test_a_service_that_does_not_run_is_reported_with_the_command_that_starts_it(tmp_path: Path) -> None:
    with serving(FakeInference()) as url:
        done = attach(url, "http://127.0.0.1:1", tmp_path / "record.json")
    assert_one_line(done, 1, "cannot be reached", "start the service with `resift serve`")
