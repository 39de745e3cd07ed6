"""Check that the pages of searches through the proxy, joined, have each hit once: the reranked ones, then the others.

    python -m scripts.check_proxy_pages http://127.0.0.1:9200 --collection scifact --queries 200

It creates and removes the index `resift-check-pages` of the given engine, and runs a proxy before it. Each query is
paged in three ways: by `from`; by `from` at a point in time, and by `search_after` at a point in time, both while
documents are written, replaced and removed. The joined pages are compared with one search for all these hits: the
engine's own for the hits and the order of those behind the window, and one through the proxy for the window.
"""

from __future__ import annotations

import itertools
import json
import statistics
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click

from resift.indexer.corpora import read_documents
from scripts.bench_proxy.processes import proxy
from scripts.shared_data import collections_folder

INDEX, SIZE, PAGES, WINDOW = "resift-check-pages", 10, 15, 100
Body = dict[str, Any]


@dataclass(slots=True)
class Found:
    """What was found in one way of paging."""

    queries: int = 0
    pages: int = 0
    repeated: int = 0
    missing: int = 0
    other_order: int = 0
    seconds: list[float] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)

    def compare(self, got: Sequence[str], expected: Sequence[str]) -> None:
        """Compare the joined pages of one query with the expected ids."""
        self.queries += 1
        self.repeated += len(got) - len(set(got))
        self.missing += len({*expected} - {*got})
        self.other_order += list(got) != list(expected)

    @property
    def fine(self) -> bool:
        """Whether every hit came once, in the expected order."""
        return not (self.repeated or self.missing or self.other_order)

    def line(self) -> str:
        """Return the figures on one line."""
        middle = 1000 * statistics.median(self.seconds)
        return (
            f"{self.queries} queries, {self.pages} pages: {self.repeated} repeated hits, {self.missing} missing, "
            f"{self.other_order} in another order; {middle:.0f} ms a page (median); {dict(self.labels)}"
        )


def ask(url: str, method: str, path: str, body: object = None) -> tuple[Any, str]:
    """Return the JSON of a response, and its header X-Resift."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response), response.headers.get("X-Resift", "")


def search(text: str, **more: Any) -> Body:  # noqa: ANN401
    """Return the search for `text`."""
    query = {"multi_match": {"query": text, "fields": ["title", "text"]}}
    return {"query": query, "sort": ["_score", "n"], "_source": False, **more}


def ids(response: Any) -> list[str]:  # noqa: ANN401
    """Return the ids of the hits of a response."""
    return [hit["_id"] for hit in response["hits"]["hits"]]


def by_from(url: str, base: Body, path: str, found: Found) -> list[str]:
    """Return the ids of all pages, each requested by the number of its first hit."""
    return _pages(url, path, found, (({**base, "from": SIZE * page}) for page in range(PAGES)))


def by_search_after(url: str, base: Body, path: str, found: Found) -> list[str]:
    """Return the ids of all pages, each requested by the sort values of the last hit before it."""
    body = dict(base)

    def bodies() -> Iterator[Body]:
        for _ in range(PAGES):
            yield body

    def note(response: Any) -> None:  # noqa: ANN401
        if response["hits"]["hits"]:
            body["search_after"] = response["hits"]["hits"][-1]["sort"]

    return _pages(url, path, found, bodies(), note)


def _pages(
    url: str, path: str, found: Found, bodies: Iterator[Body], note: Callable[[Any], None] = lambda _: None
) -> list[str]:
    seen: list[str] = []
    for body in bodies:
        started = time.perf_counter()
        response, label = ask(url, "POST", path, {**body, "size": SIZE})
        found.seconds.append(time.perf_counter() - started)
        found.labels[label.partition(":")[0]] += 1
        found.pages += 1
        seen += ids(response)
        note(response)
    return seen


def check(engine: str, url: str, texts: Sequence[str]) -> dict[str, Found]:
    """Page each of `texts` in all ways; return what was found."""
    named = f"/{INDEX}/_search"
    found = {name: Found() for name in ("from", "from, point in time", "search_after, point in time")}
    for text in texts:
        expected = _expected(engine, url, named, search(text))
        found["from"].compare(by_from(url, search(text), named, found["from"]), expected)
    with _writing(engine) as written:
        for text in texts:
            with _point_in_time(engine, url) as pit:
                base = search(text, pit=pit)
                expected = _expected(engine, url, "/_search", base)
                for name, pages in (("from", by_from), ("search_after", by_search_after)):
                    one = found[f"{name}, point in time"]
                    one.compare(pages(url, base, "/_search", one), expected)
    click.echo(f"{written()} documents were written, replaced or removed meanwhile")
    return found


def _expected(engine: str, url: str, path: str, body: Body) -> list[str]:
    """Return the ids of the window in the order of the proxy, then the engine's own order behind it."""
    most = {**body, "size": SIZE * PAGES}
    own, (reranked, label) = ids(ask(engine, "POST", path, most)[0]), ask(url, "POST", path, most)
    window = ids(reranked)[:WINDOW]
    if label != "reranked" or sorted(window) != sorted(own[:WINDOW]):
        raise click.ClickException(f"the window is not the engine's, reranked: {label}")
    return [*window, *own[WINDOW:]]


@contextmanager
def _point_in_time(engine: str, url: str) -> Iterator[Body]:
    opensearch = ask(engine, "GET", "/")[0]["version"].get("distribution") == "opensearch"
    way = "_search/point_in_time" if opensearch else "_pit"
    made = ask(url, "POST", f"/{INDEX}/{way}?keep_alive=5m")[0]
    name = made["pit_id" if opensearch else "id"]
    yield {"id": name, "keep_alive": "5m"}
    ask(url, "DELETE", f"/{way}", {"pit_id": [name]} if opensearch else {"id": name})


@contextmanager
def _writing(engine: str) -> Iterator[Callable[[], int]]:
    """Write, replace and remove documents until the block ends; yields what counts them."""
    stop, count = threading.Event(), itertools.count()
    done = [0]

    def write() -> None:
        for number in count:
            if stop.is_set():
                return
            text = "the effect of the model on the flow of new cells and the disease " * 3
            lines = [{"index": {"_id": f"new-{number}"}}, {"title": "new", "text": text, "n": 1_000_000 + number}]
            lines += [{"delete": {"_id": f"new-{number - 50}"}}]
            ask(engine, "POST", f"/{INDEX}/_bulk?refresh=true", "".join(json.dumps(x) + "\n" for x in lines).encode())
            done[0] += 2
            time.sleep(0.02)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield lambda: done[0]
    finally:
        stop.set()
        thread.join()


def load(engine: str, folder: str) -> None:
    """Fill the index with the documents of a collection."""
    text = {"type": "text"}
    mapping = {"properties": {"title": text, "text": text, "n": {"type": "integer"}}}
    settings = {"number_of_shards": 2, "number_of_replicas": 0}
    ask(engine, "DELETE", f"/{INDEX}?ignore_unavailable=true")
    ask(engine, "PUT", f"/{INDEX}", {"settings": settings, "mappings": mapping})
    documents = enumerate(read_documents(folder))
    while chunk := list(itertools.islice(documents, 500)):
        lines: list[Body] = []
        for number, one in chunk:
            lines += [{"index": {"_id": one.doc_id}}, {"title": one.title, "text": one.text, "n": number}]
        ask(engine, "POST", f"/{INDEX}/_bulk", "".join(json.dumps(line) + "\n" for line in lines).encode())
    ask(engine, "POST", f"/{INDEX}/_refresh")


@click.command()
@click.argument("engine")
@click.option("--collection", default="scifact", show_default=True, help="A folder of ../shared/collections.")
@click.option("--queries", default=200, show_default=True, type=click.IntRange(1), help="How many are paged.")
@click.option("--model", default="resift-tiny", show_default=True)
def main(engine: str, collection: str, queries: int, model: str) -> None:
    """Check the pages of searches through a proxy before ENGINE; ends with 1 if a hit is repeated or missing."""
    folder = collections_folder() / collection
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()[:queries]
    texts = [json.loads(line)["text"] for line in lines]
    load(engine, str(folder))
    try:
        options = ("--model", model, "--search-deadline-ms", "60000", "--field", "title", "--field", "text")
        with proxy(engine, INDEX, options) as (url, _):
            found = check(engine, url, texts)
    finally:
        ask(engine, "DELETE", f"/{INDEX}")
    for name, one in found.items():
        click.echo(f"{name}: {one.line()}")
    if not all(one.fine for one in found.values()):
        raise click.ClickException("pages repeat or lack hits")


if __name__ == "__main__":
    main()
