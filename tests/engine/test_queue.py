"""An engine whose write queue holds one request: it rejects bulk requests, whole or in part, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.engines import STAGED, ask, tuned
from tests.engine.test_load import corpus, count, load, many

pytestmark = [pytest.mark.engine, pytest.mark.skipif(not STAGED.exists(), reason=f"needs {STAGED}")]
COUNT = 20_000


@pytest.fixture(params=["elasticsearch", "opensearch"])
def narrow(request: pytest.FixtureRequest) -> Iterator[str]:
    with tuned(request.param, 9371, thread_pool__write__queue_size="1", node__processors="1") as url:
        yield url


def rejections(url: str) -> int:
    nodes: Any = ask("GET", f"{url}/_nodes/stats/thread_pool")["nodes"]
    return sum(int(node["thread_pool"]["write"]["rejected"]) for node in nodes.values())


def test_a_write_queue_of_one_slows_the_load_and_loses_nothing(narrow: str, tmp_path: Path) -> None:
    options = ["--bulk-documents", "200", "--workers", "8", "--shards", "3", "--replicas", "0"]
    done, report = load(corpus(tmp_path, many(COUNT)), f"{narrow}/narrow", tmp_path, *options)
    assert done.code == 0, done.err
    assert rejections(narrow) > 0
    assert (report["documents"], report["refused"], report["repeated"]) == (COUNT, 0, 0)
    assert count(f"{narrow}/narrow") == COUNT
