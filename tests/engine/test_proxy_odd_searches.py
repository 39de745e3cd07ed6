"""Unusual and wrong searches: the proxy takes and refuses what the engine takes and refuses, and changes nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.engine.official_clients.odd_searches import BODIES, LINES, PARAMETERS, QUERY
from tests.engine.proxying import Answer, RunningProxy, ask

pytestmark = pytest.mark.engine

NDJSON = {"Content-Type": "application/x-ndjson"}


def beside_the_hits(response: Any) -> Any:
    """Return a search's response without the hits, but with their number and the names of what each has."""
    if "hits" not in response:
        return {**response, "took": 0}
    hits = response["hits"].get("hits", [])
    rest = {name: value for name, value in response["hits"].items() if name != "hits"}
    names = Counter(tuple(sorted(hit)) for hit in hits)
    return {**response, "took": 0, "profile": "profile" in response, "hits": rest, "parts": names}


def assert_equal(direct: Answer, got: Answer, what: object) -> None:
    assert (what, got.status) == (what, direct.status)
    assert (what, got.comparable()[1]) == (what, direct.comparable()[1])
    if "reranked" not in got.treatment:
        assert (what, got.comparable()) == (what, direct.comparable())
    else:
        own, found = ([body.get("responses", [body])] for body in (direct.json(), got.json()))
        assert [beside_the_hits(one) for one in found[0]] == [beside_the_hits(one) for one in own[0]], what


def test_unusual_bodies_are_taken_and_refused_as_by_the_engine(engine: str, proxy: RunningProxy, articles: str) -> None:
    treated = Counter[str]()
    for body in BODIES:
        raw = body.replace("@", QUERY).encode()
        direct, got = (ask(url, "POST", f"/{articles}/_search", raw) for url in (engine, proxy.url))
        assert_equal(direct, got, body)
        treated[got.treatment.partition(":")[0]] += 1
    assert treated["reranked"] > 40 and treated["passed through"] > 50 and len(treated) == 2


def test_parameters_of_the_url_mean_what_they_mean_to_the_engine(
    engine: str, proxy: RunningProxy, articles: str
) -> None:
    for target in PARAMETERS:
        raw = None if "q=" in target else f'{{"query": {QUERY}}}'.encode()
        direct, got = (ask(url, "POST", f"/{articles}/_search{target}", raw) for url in (engine, proxy.url))
        assert_equal(direct, got, target)


@pytest.mark.parametrize(
    "target", ["/INDEX/_msearch", "/_msearch", "/INDEX/_msearch?rest_total_hits_as_int=true&pretty"]
)
def test_unusual_lines_of_an_msearch_are_taken_and_refused_as_by_the_engine(
    engine: str, proxy: RunningProxy, articles: str, target: str
) -> None:
    for lines in LINES:
        raw = lines.replace("INDEX", articles).replace("@", QUERY).encode()
        place = target.replace("INDEX", articles)
        direct, got = (ask(url, "POST", place, raw, NDJSON) for url in (engine, proxy.url))
        assert_equal(direct, got, lines)
