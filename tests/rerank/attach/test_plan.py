"""`resift plan`: which way is recommended for which cluster, and what is said of facts that cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resift.rerank.attach.cluster_facts import ClusterFacts
from resift.rerank.attach.cluster_settings import ClusterSettings
from resift.rerank.attach.ways import ways
from resift.retrieval.engine.settings import ConnectionSettings
from tests.rerank.attach.fake_engine import OPENSEARCH_ROOT, FakeEngine, serving
from tests.rerank.cli.invoke import assert_one_line, invoke

READABLE = ClusterSettings({}, {}, {})
PLUGINS = frozenset(["opensearch-ml", "opensearch-neural-search"])


def recommended(**facts: Any) -> tuple[str, bool | None]:
    """Return the name of the first way, and whether the hook fits."""
    usual: dict[str, Any] = {"version": "2.19.1", "release": (2, 19)}
    found = ways(ClusterFacts(**{**usual, **facts}), "http://search:9200", "articles", "")
    return found[0].name, next(way.fits for way in found if way.name == "hook")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ("hook", True)),
        ({"version": "2.11.0", "release": (2, 11)}, ("proxy", False)),
        ({"plugins": frozenset(["opensearch-ml"])}, ("proxy", False)),
        ({"plugins": None}, ("proxy", None)),
        ({"settings": None}, ("proxy", None)),
        ({"connectors": None}, ("proxy", None)),
        ({"managed": "Amazon OpenSearch Service"}, ("proxy", False)),
        ({"version": "", "release": (0, 0)}, ("hook", True)),
    ],
)
def test_the_hook_of_opensearch_is_recommended_only_where_it_is_known_to_work(
    facts: dict[str, Any], expected: tuple[str, bool | None]
) -> None:
    usual = {"flavour": "opensearch", "plugins": PLUGINS, "settings": READABLE, "connectors": True}
    assert recommended(**{**usual, **facts}) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"licence": "enterprise"}, ("hook", True)),
        ({"licence": "trial"}, ("hook", True)),
        ({"licence": "basic"}, ("proxy", False)),
        ({"licence": "platinum"}, ("proxy", False)),
        ({"licence": "expired trial"}, ("proxy", False)),
        ({"licence": ""}, ("proxy", None)),
        ({"licence": "trial", "inference": False}, ("proxy", False)),
        ({"licence": "trial", "inference": None}, ("proxy", None)),
        ({"licence": "enterprise", "managed": "Elastic Cloud Serverless"}, ("proxy", False)),
    ],
)
def test_the_endpoint_of_elasticsearch_needs_a_licence(
    facts: dict[str, Any], expected: tuple[str, bool | None]
) -> None:
    assert recommended(**{"flavour": "elasticsearch", "inference": True, **facts}) == expected


def test_the_commands_connect_as_the_plan_did() -> None:
    facts = ClusterFacts("opensearch", "2.19.1", (2, 19), plugins=PLUGINS, settings=READABLE, connectors=True)
    settings = ConnectionSettings(ca_certs="my ca.pem", credentials="keys.toml", request_timeout=3.0)
    hook, proxy, _ = ways(facts, "https://search:9200", "a", "", settings)
    of_engine = [one for one in hook.commands if one.startswith("resift ") and " serve" not in one]
    assert len(of_engine) == 4
    assert all("--ca-certs 'my ca.pem'" in one and "--credentials keys.toml" in one for one in of_engine)
    assert "--index a --ca-certs 'my ca.pem'" in proxy.commands[0] and "credentials" not in proxy.commands[0]
    assert not any("timeout" in one for one in (*hook.commands, *proxy.commands))


def test_an_engine_elsewhere_gets_a_key_and_one_on_this_machine_does_not() -> None:
    facts = ClusterFacts("opensearch", "2.19.1", (2, 19), plugins=PLUGINS, settings=READABLE, connectors=True)
    far, near = (ways(facts, url, "a", "")[0].commands for url in ("http://search:9200", "http://localhost:9200"))
    assert "resift attach http://search:9200/a --service http://THIS_HOST:8080" in far
    assert far[0].startswith("export RESIFT_MODEL_API_KEY=")
    assert near[:2] == (
        "resift serve",
        "resift attach http://localhost:9200/a --service http://127.0.0.1:8080 --dry-run",
    )


def test_each_fact_that_may_not_be_read_is_named_with_its_consequence() -> None:
    with serving(FakeEngine({"GET /": OPENSEARCH_ROOT})) as url:
        done = invoke("plan", url)
        found = json.loads(invoke("plan", url, "--json").out)
    assert done.code == 0, done.err
    assert found["recommended"]["name"] == "proxy" and found["cluster"]["plugins"] is None
    assert [one.partition(" (")[0] for one in found["unknown"]] == [
        "plugins and nodes",
        "the cluster's settings",
        "the connectors of ml-commons",
    ]
    assert "not known, for lack of rights:" in done.out and "an administrator has to attach" in done.out


def test_only_pipelines_with_a_rerank_processor_are_said_to_rerank() -> None:
    reranks = {"response_processors": [{"rerank": {"ml_opensearch": {"model_id": "m"}}}]}
    pipelines = {"resift": reranks, "other": {"description": "does not rerank", "request_processors": []}}
    with serving(FakeEngine({"GET /": OPENSEARCH_ROOT, "GET /_search/pipeline": (200, pipelines)})) as url:
        found = json.loads(invoke("plan", url, "--json").out)
    assert found["cluster"]["pipelines"] == ["resift"]


def test_a_cluster_that_denies_its_licence_is_not_taken_for_a_basic_one() -> None:
    with serving(FakeEngine({"GET /": (200, {"version": {"number": "8.19.0"}})})) as url:
        found = json.loads(invoke("plan", url, "--json").out)
    hook = found["alternatives"][-1]
    assert (found["cluster"]["licence"], found["cluster"]["inference"], hook["fits"]) == ("", None, None)
    assert hook["why"] == "whether the licence has the inference API is not known"
    assert "the licence (" in found["unknown"][0] and "only seen when it is attached" in found["unknown"][0]


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_user_without_the_licence_cannot_know_that_there_is_no_inference_api(status: int) -> None:
    root = (200, {"version": {"number": "8.19.0"}})
    with serving(FakeEngine({"GET /": root, "GET /_inference/rerank/_all": (status, {"error": "refused"})})) as url:
        unknown = json.loads(invoke("plan", url, "--json").out)
    assert (unknown["cluster"]["inference"], unknown["alternatives"][-1]["fits"]) == (None, None)
    licence = (200, {"license": {"type": "trial", "status": "active"}})
    answers = {"GET /": root, "GET /_license": licence, "GET /_inference/rerank/_all": (404, {"error": "refused"})}
    with serving(FakeEngine(answers)) as url:
        known = json.loads(invoke("plan", url, "--json").out)
    assert known["alternatives"][-1]["why"] == "this Elasticsearch has no inference API"


def test_rejected_credentials_are_an_error_and_no_unknown_fact() -> None:
    with serving(FakeEngine({"GET /": OPENSEARCH_ROOT}, (401, {"error": "Unauthorized"}))) as url:
        assert_one_line(invoke("plan", url), 1, "401", "RESIFT_USERNAME")


def test_no_engine_is_a_clear_error() -> None:
    assert_one_line(invoke("plan", "http://127.0.0.1:9"), 1, "no connection")
    assert_one_line(invoke("plan", "127.0.0.1:9200"), 2, "expected http(s)://HOST:PORT")
