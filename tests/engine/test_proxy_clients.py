"""The official Node clients and Java's own client get the same answers through the proxy as from the engine."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.callers.programs import need
from tests.engine.engines import is_opensearch
from tests.engine.proxying import RunningProxy, ask

pytestmark = pytest.mark.engine

PROGRAMS = Path(__file__).parent / "official_clients"
PACKAGES = ["@elastic/elasticsearch@8", "@opensearch-project/opensearch@3"]
INSTALL = "npm install --prefer-offline --no-audit --no-fund --ignore-scripts --fetch-retries=0 --fetch-timeout=20000"
QUERY = {"match": {"text": "how do I clean the oven"}}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the official clients for Node."""
    need("node")
    need("npm")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text("{}", encoding="utf-8")
    done = subprocess.run([*INSTALL.split(), *PACKAGES], cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"npm cannot install {PACKAGES}: {done.stderr.strip()[-300:]}")
    return folder


def printed(command: list[str], folder: Path) -> list[str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def without_times(value: Any) -> Any:
    return json.loads(re.sub(r'"took": ?\d+', '"took": 0', json.dumps(value)))


def ids(body: Any) -> list[str]:
    return [hit["_id"] for hit in body["hits"]["hits"]]


def test_the_official_node_client_gets_the_same_answers(
    engine: str, proxy: RunningProxy, articles: str, installed: Path
) -> None:
    package = "@opensearch-project/opensearch" if is_opensearch(engine) else "@elastic/elasticsearch"
    sessions: list[dict[str, list[Any]]] = []
    for url in (engine, proxy.url):
        other = f"t-{uuid.uuid4().hex[:8]}"
        lines = printed(["node", str(PROGRAMS / "session.mjs"), url, package, articles, other], installed)
        ask(engine, "DELETE", f"/{other}")
        found = [json.loads(line.replace(other, "other")) for line in lines]
        sessions.append({name: rest for name, *rest in found})
    direct, passed = sessions
    assert len(direct) == 19
    for name, (status, _, body) in direct.items():
        treatment = passed[name][1]
        assert passed[name][0] == status
        if name.startswith("reranked"):
            assert treatment == "reranked"
        else:
            assert not treatment.startswith("reranked")
            assert (name, without_times(passed[name][2])) == (name, without_times(body))
    reranked = ask(proxy.url, "POST", f"/{articles}/_search", {"query": QUERY, "size": 5}).json()
    assert ids(passed["reranked search"][2]) == ids(reranked) != ids(direct["reranked search"][2])
    assert ids(passed["reranked msearch"][2]["responses"][0]) == ids(reranked)[:3]


def test_javas_own_client_which_offers_http_2_gets_the_same_answers(
    engine: str, proxy: RunningProxy, articles: str, tmp_path: Path
) -> None:
    need("java")
    program = str(PROGRAMS / "Session.java")
    direct, passed = (printed(["java", program, url, articles], tmp_path) for url in (engine, proxy.url))
    assert len(direct) == len(passed) == 16
    assert [line.split()[0] for line in direct[::2]] == [line.split()[0] for line in passed[::2]]
    for own, got in list(zip(direct[1::2], passed[1::2], strict=True))[:-1]:
        assert re.sub(r'"took":\d+', "", got) == re.sub(r'"took":\d+', "", own)
    assert [line.split(" ", 1)[1] for line in passed[10::2]] == [
        "passed through: the hits are sorted by a field",
        "passed through: the body is not a JSON object",
        "reranked",
    ]
    reranked = ask(proxy.url, "POST", f"/{articles}/_search", {"query": QUERY, "size": 5}).json()
    assert ids(json.loads(passed[-1])) == ids(reranked) != ids(json.loads(direct[-1]))
