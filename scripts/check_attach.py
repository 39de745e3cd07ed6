"""Plan, attach, examine, search through the pipeline, and detach, on an OpenSearch that runs.

Prints how many queries had the order of `resift run --fusion none`, and whether the cluster is as it was before:

    python -m scripts.check_attach http://localhost:9200 FOLDER --queries 300

FOLDER is a judged collection in BEIR's layout; its corpus is loaded into an index of its own, which is removed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from .bench_proxy.processes import service
from .bench_serve.figures import say

_INDEX = "resift-check-attach"
_KEPT = ("name", "description", "connector_id", "actions", "client_config", "parameters")  # they do not change alone
_DEPTH = 100


@click.command()
@click.argument("engine")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--queries", "count", default=300, show_default=True, type=click.IntRange(1))
def main(engine: str, folder: Path, count: int) -> None:
    """Check the whole way of attaching to the OpenSearch at ENGINE with the collection in FOLDER."""
    with tempfile.TemporaryDirectory(prefix="resift-") as work, _loaded(engine, folder), service() as (address, _):
        before = _state(engine)
        _say("plan", _run("plan", f"{engine}/{_INDEX}"))
        options = ["--service", address, "--name", _INDEX, "--record", f"{work}/record.json"]
        options += ["--source-text", "text", "--deadline-ms", "60000"]  # a busy machine must not cut the scores short
        _say("attach", _run("attach", f"{engine}/{_INDEX}", *options))
        _say("doctor", _run("doctor", f"{engine}/{_INDEX}", "--pipeline", _INDEX, check=False))
        texts = _texts(folder)[:count]
        expected = _orders(engine, texts, Path(work))
        equal = sum(_is_equal(engine, query, order) for query, order in zip(texts, expected, strict=True))
        print(f"{equal} of {len(texts)} queries have the order of resift run --fusion none")
        _say("detach", _run("detach", engine, "--name", _INDEX, "--record", f"{work}/record.json"))
        after = _state(engine)
        for kind in before:
            print(f"{kind}: {'as before' if before[kind] == after[kind] else 'CHANGED'}")
    sys.exit(0 if equal == len(texts) and before == after else 1)


@contextmanager
def _loaded(engine: str, folder: Path) -> Iterator[None]:
    _run("index", str(folder), "--to", f"{engine}/{_INDEX}", "--overwrite")
    try:
        yield
    finally:
        _ask("DELETE", f"{engine}/{_INDEX}")


def _texts(folder: Path) -> list[str]:
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def _orders(engine: str, texts: list[str], work: Path) -> list[list[str]]:
    """Return the order of the ids for each query, by resift run without fusion."""
    lines = [f"{number}\t{' '.join(text.split())}\n" for number, text in enumerate(texts)]
    (work / "queries.tsv").write_text("".join(lines), encoding="utf-8")
    options = ["--fusion", "none", "--template", "{text}", "--field", "text", "--depth", str(_DEPTH)]
    _run("run", f"{engine}/{_INDEX}", "--queries", f"{work}/queries.tsv", "--output", f"{work}/run.trec", *options)
    found: list[list[str]] = [[] for _ in texts]
    for line in (work / "run.trec").read_text(encoding="utf-8").splitlines():
        number, _, doc_id, *_rest = line.split()
        found[int(number)].append(doc_id)
    return found


def _is_equal(engine: str, text: str, expected: list[str]) -> bool:
    """Return whether a query has the expected order through the pipeline."""
    query = {"multi_match": {"query": text, "fields": ["text"]}}
    body = {"size": _DEPTH, "query": query, "ext": {"rerank": {"query_context": {"query_text": text}}}}
    reply = _ask("POST", f"{engine}/{_INDEX}/_search?search_pipeline={_INDEX}", body)
    got = [hit["_id"] for hit in reply["hits"]["hits"]]
    if got != expected:
        say(f"another order: {text}")
    return got == expected


def _state(engine: str) -> dict[str, Any]:
    """Return settings, search pipelines, connectors, models and model groups of a cluster."""
    found = {
        "settings": _ask("GET", f"{engine}/_cluster/settings?flat_settings=true"),
        "pipelines": _ask("GET", f"{engine}/_search/pipeline"),
    }
    for kind in ("connectors", "models", "model_groups"):
        query = {"query": {"match_all": {}}, "size": 1000}
        hits = _ask("POST", f"{engine}/_plugins/_ml/{kind}/_search", query).get("hits", {}).get("hits", [])
        found[kind] = {hit["_id"]: {name: hit["_source"].get(name) for name in _KEPT} for hit in hits}
    return found


def _ask(method: str, url: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def _run(*words: str, check: bool = True) -> str:
    """Run resift, and return what it prints. Raises ClickException if it fails."""
    done = subprocess.run([sys.executable, "-m", "resift", *words], capture_output=True, text=True)
    if check and done.returncode:
        raise click.ClickException(f"resift {words[0]} failed: {done.stderr}")
    return done.stdout


def _say(name: str, output: str) -> None:
    print(f"== resift {name}\n{output}")


if __name__ == "__main__":
    main()
