"""The README's commands and programs for engines, run on one."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import httpx
import pytest

from tests.docs.test_readme import blocks, run
from tests.engine.engines import ask, is_opensearch
from tests.rerank.proxy.running_proxy import running_proxy
from tests.rerank.service.running import running_service

pytestmark = pytest.mark.engine
SERVERS = "^resift (serve|proxy) "
"""Commands that run until they are stopped; each has a test of its own."""


def test_every_command_and_program_about_engines_runs_in_its_order(engine: str, name: str, tmp_path: Path) -> None:
    """The index `articles` of the README is a reader's own; here it is made of the README's documents."""
    bash = "\n".join(blocks("bash"))
    files = bash.split("\nresift", 1)[0]
    written = [line for line in bash.splitlines() if line.startswith("printf")]
    own = [f"resift index help.jsonl --to {engine}/{name}-articles", "cut -f2 queries.tsv > queries.txt"]
    commands = [block for block in blocks("console") if not re.search(SERVERS, block, flags=re.MULTILINE)]
    console = "\n".join(commands).replace("pip install .", "true")
    places = {
        "http://localhost:9200": engine,
        "/articles": f"/{name}-articles",
        "/help ": f"/{name}-help ",
        "/help\n": f"/{name}-help\n",
        '"articles"': f'"{name}-articles"',
        "--alias live": f"--alias {name}-live",
    }
    for theirs, ours in places.items():
        console = console.replace(theirs, ours)
    try:
        output = run(["bash", "-euo", "pipefail", "-c", "\n".join([files, *written, *own, console])], tmp_path)
        assert "Track your order" in output and {"changes.html", "report.html"} <= set(names(tmp_path))
        assert ask("GET", f"{engine}/{name}-live/_count")["count"] == 8
        [program] = blocks("py")
        if not is_opensearch(engine):
            for theirs, ours in places.items():
                program = program.replace(theirs, ours)
            assert run([sys.executable, "-c", program], tmp_path).startswith("reranked ['Reset your password'")
    finally:
        for index in ask("GET", f"{engine}/{name}*"):
            ask("DELETE", f"{engine}/{index}")


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_the_proxy_of_the_readme_reranks_the_searches_of_its_index(engine: str, name: str, tmp_path: Path) -> None:
    [block] = [block for block in blocks("console") if "resift proxy " in block]
    [line] = re.findall("^resift proxy .*$", block, flags=re.MULTILINE)
    words = shlex.split(line, comments=True)
    assert words == ["resift", "proxy", "--to", "http://localhost:9200", "--index", "articles"]
    documents = "\n".join(blocks("bash")).split("\nresift", 1)[0]
    run(["bash", "-euc", f"{documents}\nresift index help.jsonl --to {engine}/{name}"], tmp_path)
    try:
        with running_proxy(engine, "--index", name, "--search-deadline-ms", "30000") as proxy:
            body = {"query": {"multi_match": {"query": "when will my parcel arrive", "fields": ["title", "text"]}}}
            response = httpx.post(f"{proxy.url}/{name}/_search", json=body, timeout=60)
            assert response.headers["X-Resift"] == "reranked"
            assert response.json()["hits"]["hits"][0]["_source"]["title"] == "Track your order"
    finally:
        ask("DELETE", f"{engine}/{name}")


def test_the_service_of_the_readme_answers_its_request() -> None:
    [block] = [block for block in blocks("console") if "resift serve " in block]
    [request] = re.findall("^curl -s localhost:8080(\\S+) -d '(.*)'$", block, flags=re.MULTILINE)
    with running_service() as service:
        response = httpx.post(service.url + request[0], content=request[1], timeout=60)
    assert [one["index"] for one in response.json()["results"]] == [1, 0]
