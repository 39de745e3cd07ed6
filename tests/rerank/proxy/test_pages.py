"""Remembered rankings: whose they are, which search they belong to, and how long they are kept."""

from __future__ import annotations

from typing import Any

import pytest

from resift.rerank.proxy.pages import Pages, Remembered, hit_keys, identity, places, ranking_key

SEARCH: dict[str, Any] = {"query": {"match": {"body": "cats"}}, "sort": ["_score"], "size": 10}


def test_callers_are_the_same_if_the_headers_that_say_who_they_are_are_the_same() -> None:
    first = identity(
        [(b"Authorization", b"Basic YTpi"), (b"Cookie", b"a=1"), (b"X-Opaque-Id", b"1"), (b"Accept", b"*/*")]
    )
    assert identity([(b"cookie", b"a=1"), (b"AUTHORIZATION", b"Basic YTpi"), (b"Accept", b"text/plain")]) == first


DIFFERENT: list[list[tuple[bytes, bytes]]] = [
    [],
    [(b"Authorization", b"Basic YTpi")],
    [(b"Authorization", b"Basic YTpj")],
    [(b"Authorization", b"basic YTpi")],
    [(b"Authorization", b"")],
    [(b"Authorization", b"Basic YTpi"), (b"Authorization", b"Basic YTpi")],
    [(b"Authorization", b"Basic YTpi"), (b"es-security-runas-user", b"ann")],
    [(b"Authorization", b"Basic YTpi"), (b"x-proxy-user", b"ann")],
    [(b"x-proxy-user", b"ann"), (b"x-proxy-roles", b"admin")],
    [(b"x-proxy-user", b"ann13 x-proxy-roles5 admin")],
    [(b"x-proxy-user", b"ann"), (b"x-proxy-roles", b"readall")],
    [(b"Cookie", b"Basic YTpi")],
]


def test_callers_with_other_credentials_are_others() -> None:
    assert len({identity(headers) for headers in DIFFERENT}) == len(DIFFERENT)


PAGES: list[dict[str, Any]] = [
    {**SEARCH, "from": 10},
    {**SEARCH, "size": 20},
    {**SEARCH, "size": "20", "from": "0", "track_total_hits": True},
    {**SEARCH, "aggs": {"a": {"terms": {"field": "b"}}}, "highlight": {"fields": {"body": {}}}},
    {**SEARCH, "_source": False, "fields": ["title"], "explain": True, "min_score": None},
    {"size": 10, "sort": ["_score"], "query": {"match": {"body": "cats"}}},
]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_pages_of_a_search_have_the_key_of_its_ranking(page: dict[str, Any]) -> None:
    assert ranking_key(b"c", "rule", page) == ranking_key(b"c", "rule", SEARCH)


OTHERS: list[dict[str, Any]] = [
    {**SEARCH, name: value}
    for name, value in {
        "query": {"match": {"body": "dogs"}},
        "sort": ["date"],
        "post_filter": {"term": {"a": "b"}},
        "min_score": 1.0,
        "collapse": {"field": "a"},
        "rescore": {"window_size": 10},
        "knn": {"field": "v"},
        "retriever": {"standard": {}},
        "runtime_mappings": {"a": {}},
        "indices_boost": [{"a": 2}],
        "terminate_after": 10,
        "index": "other",
        "routing": "a",
        "preference": "b",
        "slice": {"id": 0, "max": 2},
        "pit": {"id": "other"},
        "q": "cats",
        "search_type": "dfs_query_then_fetch",
    }.items()
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_another_search_has_another_key(other: dict[str, Any]) -> None:
    assert ranking_key(b"c", "rule", other) != ranking_key(b"c", "rule", SEARCH)


def test_another_caller_or_rule_has_another_key() -> None:
    assert len({ranking_key(caller, rule, SEARCH) for caller in (b"a", b"b") for rule in ("r", "s")}) == 4


def test_how_long_a_point_in_time_is_kept_is_no_part_of_the_key_but_which_one_it_is() -> None:
    def key(pit: object) -> bytes:
        return ranking_key(b"c", "r", {**SEARCH, "pit": pit})

    assert key({"id": "x", "keep_alive": "1m"}) == key({"id": "x", "keep_alive": "5m"}) == key({"id": "x"})
    assert key({"id": "x"}) != key({"id": "y"})


@pytest.mark.parametrize(
    "odd", [{"query": "\ud800"}, {"query": {"match": {"a": float("nan")}}}, {"pit": []}, {"query": None}]
)
def test_an_odd_search_has_a_key_too(odd: dict[str, Any]) -> None:
    assert len(ranking_key(b"c", "r", odd)) == 64


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ranking(*ids: str) -> Remembered:
    return Remembered(tuple(("i", one) for one in ids), "reranked", True)


def test_a_ranking_is_kept_for_a_time_after_its_last_use() -> None:
    clock = Clock()
    pages = Pages(10, 300.0, clock)
    pages.store(b"a", ranking("1"))
    for _ in range(3):
        clock.now += 299.0
        assert pages.find(b"a") == ranking_at(clock.now, "1")
    clock.now += 301.0
    assert pages.find(b"a") is None and len(pages) == 0


def ranking_at(used: float, *ids: str) -> Remembered:
    made = ranking(*ids)
    made.used = used
    return made


def test_the_ranking_that_was_not_used_for_longest_makes_room() -> None:
    pages = Pages(2, 300.0, Clock())
    pages.store(b"a", ranking("1"))
    pages.store(b"b", ranking("2"))
    assert pages.find(b"a") is not None
    pages.store(b"c", ranking("3"))
    assert [pages.find(key) is not None for key in (b"a", b"b", b"c")] == [True, False, True]
    pages.store(b"a", ranking("4"))
    found = pages.find(b"a")
    assert found is not None and found.order == (("i", "4"),) and len(pages) == 2


def test_nothing_is_kept_if_none_may_be() -> None:
    pages = Pages(0, 300.0)
    pages.store(b"a", ranking("1"))
    assert pages.find(b"a") is None


def test_hits_are_known_by_index_and_id_in_any_form() -> None:
    assert hit_keys([{"_index": "a", "_id": "1"}, {"_index": "b", "_id": 1}, {}]) == [
        ("a", "1"),
        ("b", "1"),
        ("None", "None"),
    ]


def test_the_same_id_in_another_index_is_another_hit() -> None:
    remembered = Remembered((("a", "1"), ("b", "1")), "reranked", True)
    assert places(remembered, [("b", "1"), ("a", "1")]) == [1, 0]


def test_hits_that_are_gone_are_left_out_and_new_ones_come_last() -> None:
    assert places(ranking("gone", "b", "a"), [("i", "new"), ("i", "a"), ("i", "b"), ("i", "newer")]) == [2, 1, 0, 3]
    assert places(ranking(), [("i", "a")]) == [0] and places(ranking("a"), []) == []


def test_a_hit_that_comes_twice_keeps_both_places() -> None:
    assert sorted(places(ranking("a", "b"), [("i", "a"), ("i", "b"), ("i", "a")])) == [0, 1, 2]
