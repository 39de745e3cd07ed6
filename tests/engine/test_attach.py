"""`resift attach` and `resift detach` on a real OpenSearch: what is created, reranks, and is gone afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engine.attaching import ML_NODES, PRIVATE, TRUSTED, Attaching, loads, state, strict_cluster
from tests.engine.engines import ask
from tests.engine.searching import Fill
from tests.engine.service_hook import allowed, asked, order
from tests.rerank.cli.invoke import assert_one_line, invoke
from tests.rerank.service.running import running_service

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("engine", ["opensearch"], indirect=True)]

DOCUMENT = Path(__file__).parents[2] / "docs" / "attach.md"
KEY = "the-key-of-opensearch"
WORDS = ["cats", "dogs", "fish", "meat", "mice", "milk", "bread", "night", "water", "tree"]
TEXTS = {
    str(n): {
        "title": f"number {n}",
        "text": f"The {WORDS[n]} {verb} {WORDS[(n * 3 + 1) % 10]} at {WORDS[(n + 5) % 10]}.",
    }
    for n, verb in enumerate(["eat", "like", "see", "need", "find", "drink", "have", "love", "want", "hold"])
}
QUERIES = [f"what do {first} {verb}" for first in WORDS for verb in ("eat", "like", "need")]


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    keys = {"RESIFT_SERVICE_KEYS": f"opensearch:{KEY}"}
    with running_service("--model", "resift-tiny", environment=keys) as running:
        yield running.url


@pytest.fixture
def attaching(engine: str, service: str, name: str, tmp_path: Path) -> Iterator[Attaching]:
    """Commands on a cluster that trusts strangers alone; whatever a failed test left is removed."""
    with allowed(engine), strict_cluster(engine):
        made = Attaching(engine, service, name, tmp_path, KEY)
        yield made
        made.detach()


def test_the_order_is_the_services_and_after_detach_the_cluster_is_as_before(
    attaching: Attaching, filled: Fill, name: str
) -> None:
    filled(TEXTS)
    before = state(attaching.engine)
    done = attaching.attach(name, "--deadline-ms", "60000")
    assert done.code == 0, done.err
    first = order(attaching.search(name, "x", ext={}))
    for query in QUERIES:
        expected = asked(attaching.service, query, [TEXTS[one]["text"] for one in first]).json()["results"]
        assert order(attaching.search(name, query)) == [first[result["index"]] for result in expected], query
    assert len(QUERIES) == 30 and KEY not in done.out + done.err + attaching.record.read_text()
    assert state(attaching.engine) != before
    assert attaching.detach().code == 0
    assert state(attaching.engine) == before
    assert not attaching.record.exists()


def test_the_search_that_is_printed_reranks(attaching: Attaching, filled: Fill, name: str) -> None:
    filled(TEXTS)
    search = loads(attaching.attach(name, "--json"))["search"]
    body = json.loads(json.dumps(search["body"]).replace("YOUR QUERY", "what do cats eat"))
    index, _, pipeline = search["path"].partition("/_search?search_pipeline=")
    reply = httpx.post(f"{attaching.engine}/{index}/_search?search_pipeline={pipeline}", json=body, timeout=60)
    assert (index, pipeline, reply.status_code) == (name, attaching.name, 200)
    texts = [hit["_source"]["text"] for hit in reply.json()["hits"]["hits"]]
    ranked = asked(attaching.service, "what do cats eat", texts).json()["results"]
    assert [result["index"] for result in ranked] == list(range(len(texts))) and len(texts) > 1


def test_settings_are_changed_no_further_than_needed(attaching: Attaching) -> None:
    assert attaching.attach("", "--source-text", "text").code == 0
    found = state(attaching.engine)["settings"]["persistent"]
    url = attaching.service.replace(".", "\\.")
    assert found[TRUSTED] == ["^https://api\\.others\\.com/.*$", f"^{url}/v1/rerank$"]
    assert (found[PRIVATE], found[ML_NODES]) == ("true", "false")
    again = loads(attaching.detach("--json"))
    assert again["requests"][-1]["path"] == "_cluster/settings"
    assert state(attaching.engine)["settings"]["persistent"][TRUSTED] == ["^https://api\\.others\\.com/.*$"]


def test_a_second_attach_changes_nothing_and_says_so(attaching: Attaching, filled: Fill, name: str) -> None:
    filled(TEXTS)
    assert attaching.attach(name).code == 0
    before, record = state(attaching.engine), attaching.record.read_bytes()
    again = attaching.attach(name)
    assert again.code == 0 and again.out.startswith("nothing to change: ")
    assert (state(attaching.engine), attaching.record.read_bytes()) == (before, record)


def test_other_arguments_change_what_differs_and_keep_the_ids(attaching: Attaching, filled: Fill, name: str) -> None:
    filled(TEXTS)
    first = loads(attaching.attach(name, "--json"))
    second = loads(attaching.attach(name, "--json", "--deadline-ms", "4000", "--source-text", "title"))
    assert second["objects"] == first["objects"]
    assert [one["about"].rpartition(" ")[0] for one in second["requests"]] == [
        "undeploy the",
        "change the connector",
        "deploy the",
        "change the search pipeline",
    ]
    path = f"_plugins/_ml/connectors/{second['objects']['connector']}"
    connector = httpx.get(f"{attaching.engine}/{path}").json()
    assert '"timeout_ms": 4000' in connector["actions"][0]["request_body"]
    [processor] = state(attaching.engine)["pipelines"][name]["response_processors"]
    assert processor["rerank"]["context"]["document_fields"] == ["title"]


def test_another_key_is_noticed(engine: str, attaching: Attaching, filled: Fill, name: str) -> None:
    filled(TEXTS)
    keys = {"RESIFT_SERVICE_KEYS": "a:first-key-of-two,b:second-key-of-two"}
    with running_service("--model", "resift-tiny", environment=keys) as running:
        options = ("--service", running.url)
        assert attaching.attach(name, *options, key="first-key-of-two").code == 0
        assert attaching.attach(name, *options, key="first-key-of-two").out.startswith("nothing to change")
        assert "change the connector" in attaching.attach(name, *options, key="second-key-of-two").out


def test_a_key_that_was_changed_in_the_connector_is_mended(
    engine: str, attaching: Attaching, filled: Fill, name: str
) -> None:
    filled(TEXTS)
    assert attaching.attach(name).code == 0
    made = state(engine)
    [connector] = [one for one, source in made["connectors"].items() if source["name"] == attaching.name]
    [model] = [one for one, source in made["models"].items() if source["name"] == attaching.name]
    ml = f"{engine}/_plugins/_ml"
    ask("POST", f"{ml}/models/{model}/_undeploy", {})
    ask("PUT", f"{ml}/connectors/{connector}", {"credential": {"api_key": "another-key"}})
    ask("POST", f"{ml}/models/{model}/_deploy", {})
    done = attaching.attach(name)
    assert done.code == 0 and "change the connector" in done.out, done.err
    assert state(engine) == made
    assert attaching.attach(name).out.startswith("nothing to change")


def test_a_dry_run_changes_nothing_and_shows_no_key(attaching: Attaching, filled: Fill, name: str) -> None:
    filled(TEXTS)
    before = state(attaching.engine)
    done = attaching.attach(name, "--dry-run")
    assert done.code == 0, done.err
    assert state(attaching.engine) == before and not attaching.record.exists()
    lines = [line for line in done.out.splitlines() if line.startswith(("PUT ", "POST ", "GET "))]
    assert lines == [
        "PUT _cluster/settings",
        "POST _plugins/_ml/connectors/_create",
        "POST _plugins/_ml/models/_register?deploy=true",
        f"PUT _search/pipeline/{name}",
        f"GET {name}/_search?search_pipeline={name}",
    ]
    assert '"api_key": "***"' in done.out and KEY not in done.out + done.err
    assert "CONNECTOR_ID" in done.out and "MODEL_ID" in done.out
    assert attaching.attach(name).code == 0
    after = state(attaching.engine)
    assert attaching.detach("--dry-run").out.startswith(f"DELETE _search/pipeline/{name}\n")
    assert state(attaching.engine) == after


@pytest.mark.parametrize(
    ("service_key", "options", "parts"),
    [
        ("", [], ("401", "set a key in RESIFT_MODEL_API_KEY or --service-key-file")),
        ("a-wrong-key-of-it", [], ("401", "the key in RESIFT_MODEL_API_KEY or --service-key-file is refused")),
        (KEY, ["--service", "http://127.0.0.1:9"], ("cannot be reached",)),
    ],
)
def test_a_service_that_does_not_answer_is_an_error_before_any_change(
    attaching: Attaching, service_key: str, options: list[str], parts: tuple[str, ...]
) -> None:
    before = state(attaching.engine)
    done = attaching.attach("", "--source-text", "text", *options, key=service_key)
    assert_one_line(done, 1, *parts)
    assert service_key == "" or service_key not in done.err
    assert state(attaching.engine) == before and not attaching.record.exists()


def test_an_engine_is_no_service(attaching: Attaching) -> None:
    done = attaching.attach("", "--source-text", "text", "--service", attaching.engine)
    assert_one_line(done, 1, "not that of resift", "check the address")


def test_a_default_pipeline_is_warned_of_and_stops_a_detach(attaching: Attaching, filled: Fill, name: str) -> None:
    target = filled(TEXTS)
    assert "default" not in attaching.attach(name).err
    ask("PUT", f"{target}/_settings", {"index.search.default_pipeline": name})
    assert f"note: {name} has {name} as its index.search.default_pipeline" in attaching.attach(name).err
    before = state(attaching.engine)
    assert_one_line(attaching.detach(), 1, f"is the default of {name}", '"index.search.default_pipeline": null')
    assert state(attaching.engine) == before
    ask("PUT", f"{target}/_settings", {"index.search.default_pipeline": None})
    assert attaching.detach().code == 0


def test_the_commands_of_the_documentation_run_in_their_order(attaching: Attaching, filled: Fill, name: str) -> None:
    filled(TEXTS)
    [block] = re.findall(r"```console\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    ours = {
        "http://localhost:9200": attaching.engine,
        "http://127.0.0.1:8080": attaching.service,
        "/articles": f"/{name}",
    }
    ran = []
    for line in block.splitlines():
        _, command, *arguments = line.partition("#")[0].split()
        if command in ("plan", "attach", "detach"):
            for theirs, our in ours.items():
                arguments = [one.replace(theirs, our) for one in arguments]
            more = [] if command == "plan" else ["--name", attaching.name, "--record", str(attaching.record)]
            done = invoke(command, *arguments, *more, env={"RESIFT_MODEL_API_KEY": KEY})
            assert done.code == 0, done.err
            ran.append(command)
    assert ran == ["plan", "attach", "attach", "detach"]


def test_the_plan_of_an_index_names_the_commands_that_work_for_it(
    attaching: Attaching, filled: Fill, name: str
) -> None:
    target = filled(TEXTS)
    found: dict[str, Any] = loads(invoke("plan", target, "--json"))
    assert (found["recommended"]["name"], found["recommended"]["fits"]) == ("hook", True)
    assert any(one.startswith(f"resift attach {target} --service ") for one in found["recommended"]["commands"])
    assert [one["name"] for one in found["alternatives"]] == ["proxy", "wrapper"]
    assert (found["index"]["field"], found["index"]["read"]) == ("text", ["title", "text"])
    assert found["unknown"] == []
