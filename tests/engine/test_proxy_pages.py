"""The pages of a search through the proxy, joined, have each hit once: the reranked window, then the engine's order.

`python -m scripts.check_proxy_pages` checks the same with 200 queries of a judged collection.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.engine.engines import is_opensearch
from tests.engine.proxying import PATIENT, THINGS, VERBS, RunningProxy, advice_index, ask, running_proxy
from tests.rerank.scorers.remote.servers import Seen, serving

pytestmark = pytest.mark.engine

WINDOW = 40
QUERIES = [f"how do I {VERBS[n % 12]} the {THINGS[n % 11]}" for n in range(20)]


@pytest.fixture(scope="module")
def proxy(engine: str) -> Iterator[RunningProxy]:
    with running_proxy(engine, "--index", "paged-*", "--window", str(WINDOW), *PATIENT) as running:
        yield running


@pytest.fixture(scope="module")
def articles(engine: str) -> Iterator[str]:
    with advice_index(engine, f"paged-{uuid.uuid4().hex[:8]}") as name:
        yield name


def ids(url: str, path: str, **body: Any) -> list[str]:
    found = ask(url, "POST", path, body)
    assert found.status == 200, found
    return [hit["_id"] for hit in found.json()["hits"]["hits"]]


def by_from(url: str, path: str, size: int, **body: Any) -> list[str]:
    """Return the ids of all pages, each requested by the number of its first hit."""
    seen: list[str] = []
    while page := ids(url, path, **body, **{"from": len(seen)}, size=size):
        seen += page
    return seen


def by_search_after(url: str, path: str, size: int, **body: Any) -> list[str]:
    """Return the ids of all pages, each requested by the sort values of the last hit before it."""
    seen: list[str] = []
    more: dict[str, Any] = {}
    while hits := ask(url, "POST", path, {**body, **more, "size": size}).json()["hits"]["hits"]:
        seen += [hit["_id"] for hit in hits]
        more = {"search_after": hits[-1]["sort"]}
    return seen


def expected(engine: str, url: str, path: str, **body: Any) -> list[str]:
    """Return the ids of all hits: those of the window in the order of the proxy, then the engine's own order."""
    own, reranked = ids(engine, path, **body, size=500), ids(url, path, **body, size=500)
    assert set(reranked[:WINDOW]) == set(own[:WINDOW]) and reranked[:WINDOW] != own[:WINDOW]
    return [*reranked[:WINDOW], *own[WINDOW:]]


@contextmanager
def point_in_time(url: str, index: str) -> Iterator[dict[str, str]]:
    """Open a point in time through the proxy, and close it after the block."""
    own = "_search/point_in_time" if is_opensearch(url) else "_pit"
    made = ask(url, "POST", f"/{index}/{own}?keep_alive=1m").json()
    pit = made.get("id") or made["pit_id"]
    yield {"id": pit, "keep_alive": "1m"}
    assert ask(url, "DELETE", f"/{own}", {"pit_id": [pit]} if "pit_id" in made else {"id": pit}).status == 200


@contextmanager
def writing(engine: str, index: str) -> Iterator[list[int]]:
    """Write documents that match best, and remove others, until the block ends; yields how many were written."""
    stop, written = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            new = {"title": "how do I", "text": "how do I " * 9, "n": 1000 + written[0], "kind": "a"}
            lines = [{"index": {"_id": f"new{written[0]}"}}, new, {"delete": {"_id": f"new{written[0] - 9}"}}]
            raw = "".join(json.dumps(line) + "\n" for line in lines).encode()
            assert ask(engine, "POST", f"/{index}/_bulk?refresh=true", raw).status == 200
            written[0] += 1
            time.sleep(0.01)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def test_joined_pages_are_the_reranked_hits_and_then_the_engines_order(
    engine: str, proxy: RunningProxy, articles: str
) -> None:
    path = f"/{articles}/_search"
    for number, text in enumerate(QUERIES):
        body = {"query": {"match": {"text": text}}, "sort": ["_score", "n"], "_source": False}
        whole = expected(engine, proxy.url, path, **body)
        assert len(whole) == len(set(whole)) == 132
        size = (10, 7, 25, 40)[number % 4]
        assert by_from(proxy.url, path, size, **body) == whole
        if number < 4:
            assert by_search_after(proxy.url, path, size, **body) == whole


@pytest.mark.parametrize("sort", [None, ["_score"], ["_score", "n"], ["_score", {"n": "desc"}]])
def test_pages_of_a_point_in_time_stay_the_same_while_documents_are_written(
    engine: str, proxy: RunningProxy, sort: Any
) -> None:
    with advice_index(engine, f"paged-{uuid.uuid4().hex[:8]}") as name, writing(engine, name) as written:
        for text in QUERIES[:1]:
            with point_in_time(proxy.url, name) as pit:
                body: dict[str, Any] = {"query": {"match": {"text": text}}, "_source": False, "pit": pit}
                body |= {"sort": sort} if sort else {}
                before = written[0]
                whole = expected(engine, proxy.url, "/_search", **body)
                assert len(whole) == len(set(whole)) >= 132
                assert by_from(proxy.url, "/_search", 15, **body) == whole
                if sort and (len(sort) > 1 or not is_opensearch(engine)):  # Elasticsearch adds a second sort value
                    assert by_search_after(proxy.url, "/_search", 15, **body) == whole
                while written[0] == before:
                    time.sleep(0.01)
                assert ids(proxy.url, "/_search", **body, size=500) == whole


def test_pages_after_a_late_first_one_are_the_engines_and_after_a_reranked_one_reranked(
    engine: str, articles: str
) -> None:
    answers = threading.Event()
    answers.set()
    path = f"/{articles}/_search"
    body = {"query": {"match": {"text": QUERIES[0]}}, "sort": ["_score", "n"], "_source": False}

    def rerank(seen: Seen) -> Any:
        answers.wait(8)
        return [{"index": n, "score": zlib.crc32(text.encode()) / 2**33} for n, text in enumerate(seen.body["texts"])]

    info = {"model_id": "tiny", "max_client_batch_size": 500, "max_input_length": 512}
    options = ("--index", "paged-*", "--search-deadline-ms", "2000", "--window", str(WINDOW), "--fusion", "none")
    with (
        serving({"/info": lambda seen: info, "/rerank": rerank}) as scorer,
        running_proxy(engine, *options, "--score-cache-mb", "0", model=scorer.url) as proxy,
    ):
        own = ids(engine, path, **body, size=500)
        for late, whole in ((False, expected(engine, proxy.url, path, **body)), (True, own)):
            (answers.clear if late else answers.set)()
            first = ask(proxy.url, "POST", path, {**body, "size": 10})
            (answers.set if late else answers.clear)()
            assert (first.treatment == "reranked") != late, first.treatment
            hits = first.json()["hits"]["hits"]
            for more in ({"from": 10}, {"search_after": hits[-1]["sort"]}):
                second = ids(proxy.url, path, **body, **more, size=10)
                assert [*(hit["_id"] for hit in hits), *second] == whole[:20]
            answers.set()
