"""Which requests are searches, and of which indices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.proxy.routes import Route, find_route

SEARCHES: list[tuple[bytes, bytes, Route]] = [
    (b"POST", b"/articles/_search", Route("search", "articles")),
    (b"GET", b"/articles/_search", Route("search", "articles")),
    (b"GET", b"/articles/_search/", Route("search", "articles")),
    (b"GET", b"/_search", Route("search", "")),
    (b"GET", b"/_all/_search", Route("search", "_all")),
    (b"GET", b"/*/_search", Route("search", "*")),
    (b"GET", b"/a,b-*,-c/_search", Route("search", "a,b-*,-c")),
    (b"GET", b"/a%2Cb/_search", Route("search", "a,b")),
    (b"GET", b"/%3Clogs-%7Bnow%2Fd%7D%3E/_search", Route("search", "<logs-{now/d}>")),
    (b"GET", b"/b%C3%BCcher/_search", Route("search", "bücher")),
    (b"GET", b"/.hidden/_search", Route("search", ".hidden")),
    (b"GET", b"/cluster:articles/_search", Route("search", "cluster:articles")),
    (b"POST", b"/_msearch", Route("msearch", "")),
    (b"POST", b"/articles/_msearch", Route("msearch", "articles")),
    (b"POST", b"/articles/_search/template", Route("template", "articles")),
    (b"POST", b"/_search/template", Route("template", "")),
    (b"POST", b"/articles/_pit", Route("point in time", "articles")),
    (b"POST", b"/articles/_search/point_in_time", Route("point in time", "articles")),
    (b"POST", b"/articles/_async_search", Route("not supported", "articles")),
    (b"POST", b"/articles/_msearch/template", Route("not supported", "articles")),
]


@pytest.mark.parametrize(("method", "path", "route"), SEARCHES, ids=str)
def test_searches_are_found_with_their_indices(method: bytes, path: bytes, route: Route) -> None:
    assert find_route(method, path) == route


OTHERS: list[tuple[bytes, bytes]] = [
    (b"PUT", b"/articles/_search"),
    (b"DELETE", b"/articles/_search"),
    (b"HEAD", b"/articles/_search"),
    (b"OPTIONS", b"/articles/_search"),
    (b"GET", b"/"),
    (b"GET", b""),
    (b"OPTIONS", b"*"),
    (b"GET", b"//"),
    (b"GET", b"/articles"),
    (b"GET", b"/_searching"),
    (b"GET", b"/_search_shards"),
    (b"GET", b"/articles/_doc/_search"),
    (b"PUT", b"/articles/_doc/_search"),
    (b"GET", b"/articles/_search_shards"),
    (b"POST", b"/_search/scroll"),
    (b"DELETE", b"/_search/scroll"),
    (b"GET", b"/articles/_eql/search"),
    (b"GET", b"/articles//_search"),
    (b"GET", b"/articles/_search/more"),
    (b"GET", b"/articles/_mvt/field/1/2/3"),
    (b"DELETE", b"/_pit"),
    (b"DELETE", b"/_search/point_in_time"),
    (b"GET", b"/_search/point_in_time/_all"),
    (b"GET", b"/articles/_pit"),
    (b"POST", b"/_pit"),
    (b"POST", b"/_render/template"),
    (b"GET", b"/_async_search/abc"),
    (b"POST", b"/articles/_SEARCH"),
]


@pytest.mark.parametrize(("method", "path"), OTHERS, ids=str)
def test_other_requests_are_no_searches(method: bytes, path: bytes) -> None:
    assert find_route(method, path) is None


PARTS = st.lists(
    st.sampled_from([b"/", b"_search", b"_msearch", b"_pit", b"template", b"_all", b"%", b"%2", b"%2F", b"%ff", b"a", b","]) | st.binary(max_size=3),
    max_size=8,
)  # fmt: skip


@given(st.sampled_from([b"GET", b"POST", b"PUT", b""]), PARTS)
def test_no_path_makes_it_fail(method: bytes, parts: list[bytes]) -> None:
    path = b"/" + b"".join(parts)
    route = find_route(method, path)
    assert route is None or (method in (b"GET", b"POST") and (b"search" in path or b"_pit" in path))
