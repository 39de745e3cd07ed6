"""A cluster that loses a node during a load: nothing is lost or duplicated, and searches report missing shards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.engines import STAGED, ask, staged
from tests.rerank.cli.invoke import invoke

ROOT = Path(__file__).parents[2]
COUNT = 200_000
PORTS = {"elasticsearch": 9341, "opensearch": 9351}
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not STAGED.exists(), reason=f"needs {STAGED}, which starts and kills nodes"),
]


@pytest.fixture(params=["elasticsearch", "opensearch"])
def cluster(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    port = PORTS[request.param]
    with staged(request.param, port, "--nodes", "3"):
        yield request.param, port


def node(*arguments: str) -> None:
    subprocess.run([str(STAGED), *arguments], capture_output=True, check=True)


def done_of(state: Path) -> int:
    return max((int(json.loads(path.read_text())["done"]) for path in state.glob("*.load.json")), default=0)


def test_a_node_is_killed_during_a_load_and_nothing_is_lost(cluster: tuple[str, int], tmp_path: Path) -> None:
    flavour, port = cluster
    source = tmp_path / "c.jsonl"
    with source.open("w") as file:
        for n in range(COUNT):
            file.write(json.dumps({"id": f"d{n}", "text": f"word{n % 997} number{n}"}) + "\n")
    hosts = ",".join(f"127.0.0.1:{port + n}" for n in range(3))
    target = f"http://{hosts}/big"
    code = "from resift.rerank.cli.main import main; main()"
    options = ["--shards", "3", "--replicas", "0", "--state", str(tmp_path / "state"), "--bulk-documents", "500"]
    loader = subprocess.Popen(
        [sys.executable, "-c", code, "index", str(source), "--to", target, *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while done_of(tmp_path / "state") < COUNT // 20:
        assert loader.poll() is None, loader.communicate()[1]
        time.sleep(0.02)
    node("kill", str(port + 1))
    assert loader.poll() is None and done_of(tmp_path / "state") < COUNT, "the node was killed after the load"
    time.sleep(3)
    node("start", flavour, "--port", str(port + 1), "--join", str(port))
    errors = loader.communicate(timeout=300)[1]
    assert loader.returncode == 0, errors
    first = f"http://127.0.0.1:{port}"
    assert ask("GET", f"{first}/big/_count")["count"] == COUNT

    node("kill", str(port + 2))
    missing = invoke("search", f"{first}/big", "word5", "--model", "none")
    assert missing.code == 1 and "shards did not respond" in missing.error_line, missing.err
    partial = invoke("search", f"{first}/big", "word5", "--model", "none", "--allow-partial", "--json")
    assert partial.code == 0 and json.loads(partial.out)["hits"]
