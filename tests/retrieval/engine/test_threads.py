"""One retriever in many threads: its counts are exact, and every thread gets the texts of its hits."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from resift.retrieval.engine.retriever import EngineRetriever
from resift.retrieval.engine.tally import Tally
from resift.retrieval.types import Query

THREADS, CALLS = 8, 60
SHARDS = {"total": 1, "successful": 1}
LONG = "word " * 2000


class Slow(int):
    """A number during whose addition other threads run, so that an addition without a lock loses their counts."""

    def __radd__(self, other: int) -> int:
        time.sleep(0.0001)
        return int(self) + other


class Engine:
    """Finds two hits with the same id for every query."""

    url, secrets, notes = "http://engine", (), ()

    def request(self, method: str, path: str, body: Any = None, params: Any = None, **_: Any) -> dict[str, Any]:
        if path.endswith("/_field_caps"):
            return {"fields": {"body": {"text": {}}}}
        hits = [{"_index": "i", "_id": "1", "_score": 1.0, "_source": {"body": text}} for text in ("", "y")]
        return {"status": 200, "took": Slow(3), "_shards": SHARDS, "hits": {"hits": hits}}


def test_a_tally_is_exact_although_many_threads_add_to_it() -> None:
    tally = Tally()

    def add(number: int) -> None:
        for _ in range(CALLS):
            tally.add("all", Slow(1))
            tally.add(str(number), 2)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(add, range(THREADS)))
    assert [tally["all"], *(tally[str(n)] for n in range(THREADS))] == [CALLS * THREADS, *[2 * CALLS] * THREADS]


def test_the_counts_of_a_retriever_are_exact_although_many_threads_search() -> None:
    engine: Any = Engine()
    retriever = EngineRetriever(engine, "http://engine:9200/i")

    def search(number: int) -> None:
        for _ in range(CALLS):
            retriever.retrieve([Query("1", LONG)], 10)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(search, range(THREADS)))
    calls = THREADS * CALLS
    names = ("took", "shortened", "repeated")
    assert [retriever.counts[name] for name in names] == [3 * calls, calls, calls]
    assert retriever.reader.counts["empty"] == calls
    assert all(note.endswith(f": {calls}") for note in retriever.notes()) and len(retriever.notes()) == 3


class Aliased:
    """Has texts only outside the source; the first two searches, without `fields`, wait for each other."""

    url, secrets, notes = "http://engine", (), ()

    def __init__(self) -> None:
        self.both = Barrier(2, timeout=30)

    def request(self, method: str, path: str, body: Any = None, params: Any = None, **_: Any) -> dict[str, Any]:
        if path.endswith("/_field_caps"):
            return {"fields": {"body": {"text": {}}}}
        hit: dict[str, Any] = {"_index": "i", "_id": "1", "_score": 1.0, "_source": {}}
        if "fields" in body:
            hit["fields"] = {"body": ["found"]}
        else:
            self.both.wait()
        return {"status": 200, "_shards": SHARDS, "hits": {"hits": [hit]}}


def test_two_threads_that_find_no_text_in_the_source_both_read_the_fields() -> None:
    for _ in range(20):
        engine: Any = Aliased()
        retriever = EngineRetriever(engine, "http://engine:9200/i")
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda number: retriever.retrieve([Query("1", "x")], 10), range(2)))  # noqa: B023
        assert [[hit.document.text for hit in rankings[0].hits] for rankings in found] == [["found"]] * 2
