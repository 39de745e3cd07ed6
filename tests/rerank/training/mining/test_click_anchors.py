"""Sessions of a click log become positives and negatives, and what is left out is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resift.rerank.training.mining.anchors import Anchor
from resift.rerank.training.mining.clicks.judged import ClickAnchors
from resift.rerank.training.mining.clicks.log import ClickLog, Session
from resift.rerank.training.mining.clicks.settings import ClickSettings
from resift.rerank.training.mining.clicks.sources import read_clicks
from resift.retrieval.errors import CorpusError, SettingsError

EASY = ClickSettings(min_impressions=1, min_clicks=1, min_skips=1, position_bias="none")


def log_of(*sessions: Session) -> ClickLog:
    log = ClickLog()
    log.add_all(sessions)
    return log


def lines(path: Path, *rows: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def known(anchor: Anchor) -> tuple[list[tuple[str, float]], list[str], set[str]]:
    positives = [(one.doc_id, one.grade) for one in anchor.positives]
    return positives, [one.doc_id for one in anchor.negatives], set(anchor.excluded)


def test_a_result_that_was_skipped_above_a_click_is_a_negative_that_a_teacher_may_contradict() -> None:
    sessions = [Session("soup", ("above", "hit", "below"), frozenset({"hit"}))] * 10
    [anchor] = ClickAnchors(log_of(*sessions), EASY)
    assert known(anchor) == ([("hit", 2.0)], ["above"], set())
    assert [one.certain for one in anchor.negatives] == [False]


def test_grades_are_by_the_share_of_the_most_attractive_result() -> None:
    sessions = [Session("soup", ("a", "b", "c", "d"), frozenset({"a"}))] * 40
    sessions += [Session("soup", ("a", "b", "c", "d"), frozenset({"b"}))] * 24
    sessions += [Session("soup", ("a", "b", "c", "d"), frozenset({"c"}))] * 5
    [anchor] = ClickAnchors(log_of(*sessions), ClickSettings(position_bias="none"))
    assert known(anchor) == ([("a", 2.0), ("b", 1.0)], [], {"c"})


def test_one_click_on_a_rare_result_does_not_beat_many_on_a_frequent_one() -> None:
    sessions = [Session("soup", ("a", "b"), frozenset({"a"}))] * 30 + [Session("soup", ("a", "b"))] * 20
    sessions += [Session("soup", ("rare", "a"), frozenset({"rare"}))]
    [anchor] = ClickAnchors(log_of(*sessions), ClickSettings(position_bias="none"))
    assert [one.doc_id for one in anchor.positives] == ["a"]
    assert anchor.excluded == {"rare"}


def test_queries_are_the_same_whatever_their_case_and_blanks_are() -> None:
    log = log_of(*[Session(text, ("a",), frozenset({"a"})) for text in ("Red  soup", "red soup", "red soup ")])
    assert [query.text for query in log.queries.values()] == ["red soup"]


def test_what_cannot_be_used_is_counted_by_its_reason() -> None:
    log = log_of(
        Session("rare", ("a",), frozenset({"a"})),
        *[Session("never clicked", ("a", "b"))] * 10,
        *[Session("clicked once", ("a", "b"), frozenset({"a"}) if n == 0 else frozenset()) for n in range(10)],
        *[Session("good", ("a", "b"), frozenset({"a", "elsewhere"}))] * 10,
        Session(" ", ("a",)),
        Session("nothing shown", ()),
        Session("x" * 2000, ("a",)),
    )
    anchors = ClickAnchors(log, ClickSettings(position_bias="none"))
    assert [anchor.query.text for anchor in anchors] == ["good"]
    assert {reason: count for reason, count in anchors.dropped.items() if count} == {
        "sessions without a query, or with one of more than 1,000 characters": 2,
        "sessions without results": 1,
        "clicks on results that were not shown": 10,
        "queries that were searched too rarely": 1,
        "queries without a click": 1,
        "queries without a result that was clicked often enough": 1,
        "results with some clicks, neither positive nor negative": 1,
    }


def test_clicks_far_down_do_not_count_more_than_the_floor_allows() -> None:
    sessions = [Session("q", tuple(f"d{n}" for n in range(50)), frozenset({"d49"}))] * 20
    log = log_of(*sessions)
    low, high = (
        ClickAnchors(log, ClickSettings(position_bias="inverse-rank", propensity_floor=floor)) for floor in (0.02, 0.5)
    )
    [query] = log.queries.values()
    looks = [{one.doc_id: one.looks for one in anchors.judge(query)}["d49"] for anchors in (low, high)]
    assert looks == pytest.approx([20 * 0.02, 20 * 0.5])


def test_a_file_of_sessions_is_read_and_bad_lines_are_counted(tmp_path: Path) -> None:
    good = {"query": "soup", "shown": ["a", 7], "clicked": 7}
    path = tmp_path / "clicks.jsonl"
    bad = ["no json", '{"query": "q", "shown": "a", "clicked": [true]}', '{"query": 3, "shown": ["a"], "clicked": []}']
    path.write_text("\n".join([json.dumps({**good, "first": 11})] * 3 + bad), encoding="utf-8")
    anchors = read_clicks(str(path), settings=EASY)
    [query] = anchors.log.queries.values()
    assert query.shown == {"a": {11: [3, 0]}, "7": {12: [3, 3]}}
    assert anchors.log.dropped == {"lines that are no session: query, shown, clicked": 3}


@pytest.mark.parametrize("first", [10_001, 10**9, 10**400])
def test_a_position_that_no_engine_shows_is_dropped_at_once(tmp_path: Path, first: int) -> None:
    path = tmp_path / "clicks.jsonl"
    lines = [{"query": "soup", "shown": ["a"], "clicked": ["a"], "first": place} for place in (10_000, first)]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    log = read_clicks(str(path), settings=EASY).log
    assert log.sessions == 1 and log.dropped == {"sessions that begin below position 10,000": 1}


UBI_QUERIES = [
    {
        "query_id": f"u{n}",
        "client_id": "x",
        "user_query": "red soup",
        "query_response_hit_ids": ["a", "b", "c"],
        "timestamp": 1718000000000,
    }
    for n in range(4)
]


def event(
    query_id: str, action: str, object_id: object, ordinal: int | None = None, **more: object
) -> dict[str, object]:
    attributes = {"object": {"object_id": object_id, "object_id_field": "sku", **more}}
    position = {"position": {"ordinal": ordinal}} if ordinal is not None else {}
    stamp = "2024-06-10T06:13:20.000Z"
    return {
        "action_name": action,
        "query_id": query_id,
        "timestamp": stamp,
        "event_attributes": {**attributes, **position},
    }


def test_ubi_joins_queries_and_events_by_the_id_of_the_query(tmp_path: Path) -> None:
    events = [
        event("u0", "click", "b", 2),
        event("u0", "click", "b", 2),
        event("u1", "Add-to-Cart", "b", 2),
        event("u2", "product_hover", "a"),
        event("u3", "click", "sku-of-c", 3, internal_id="c"),
        event("nowhere", "click", "b"),
        event("u1", "click", "z"),
        {"action_name": "click", "query_id": "u1"},
        {"action_name": "login", "event_attributes": None},
    ]
    anchors = read_clicks(lines(tmp_path / "q.jsonl", *UBI_QUERIES), lines(tmp_path / "e.jsonl", *events), EASY)
    [query] = anchors.log.queries.values()
    assert query.shown == {"a": {1: [4, 0]}, "b": {2: [4, 2]}, "c": {3: [4, 1]}}
    assert anchors.log.dropped == {
        "events without the id of a query or of an object": 1,
        "queries that have events but are not in the log of queries": 1,
        "clicks on results that were not shown": 1,
    }
    assert anchors.notes == ["events that were not counted as clicks (`click_actions`): login (1), product_hover (1)"]


def test_ubi_in_one_file_of_bulk_requests_or_of_hits_is_read(tmp_path: Path) -> None:
    mixed = []
    for record in [*UBI_QUERIES, event("u0", "click", "a"), event("u1", "click", "a")]:
        mixed += [{"index": {"_index": "ubi_events", "_id": "1"}}, record]
    for rows in (mixed, [{"_index": "ubi", "_id": "1", "_source": row} for row in mixed[1::2]]):
        [query] = read_clicks(lines(tmp_path / "ubi.ndjson", *rows), None, EASY).log.queries.values()
        assert query.shown["a"] == {1: [4, 2]}


def test_without_hits_the_impressions_say_what_was_shown_and_ordinals_may_begin_at_zero(tmp_path: Path) -> None:
    queries = [
        {"query_id": "u0", "user_query": "soup", "query_attributes": {}},
        {"query_id": "u1", "user_query": "bread"},
    ]
    events = [event("u0", "impression", "b", 1), event("u0", "impression", "a", 0), event("u0", "click", "b", 1)]
    anchors = read_clicks(lines(tmp_path / "q.jsonl", *queries), lines(tmp_path / "e.jsonl", *events), EASY)
    [query] = anchors.log.queries.values()
    assert query.shown == {"a": {1: [1, 0]}, "b": {2: [1, 1]}}
    assert anchors.log.dropped == {"queries without hits (query_response_hit_ids) or impressions": 1}


def test_the_ordinal_says_that_a_list_is_a_later_page(tmp_path: Path) -> None:
    queries = [{"query_id": "u0", "user_query": "soup", "query_response_hit_ids": ["k", "l"]}]
    events = [event("u0", "click", "l", 12)]
    anchors = read_clicks(lines(tmp_path / "q.jsonl", *queries), lines(tmp_path / "e.jsonl", *events), EASY)
    assert next(iter(anchors.log.queries.values())).shown == {"k": {11: [1, 0]}, "l": {12: [1, 1]}}


def test_files_that_are_no_click_log_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is no click log: its first record has 'id', 'text'"):
        read_clicks(lines(tmp_path / "a.jsonl", {"id": "1", "text": "x"}))
    with pytest.raises(CorpusError, match="is no click log: its first record has nothing"):
        read_clicks(lines(tmp_path / "b.jsonl"))
    with pytest.raises(CorpusError, match="does not exist"):
        read_clicks(str(tmp_path / "c.jsonl"))
    with pytest.raises(CorpusError, match="4 sessions and no click; queries that have events but are not in the log"):
        read_clicks(
            lines(tmp_path / "d.jsonl", *UBI_QUERIES), lines(tmp_path / "e.jsonl", event("other", "click", "a"))
        )
    with pytest.raises(SettingsError, match="needs? no events"):
        read_clicks(lines(tmp_path / "f.jsonl", {"query": "q", "shown": [], "clicked": []}), str(tmp_path / "e.jsonl"))


@pytest.mark.parametrize(
    "given", [{"click_share": 0}, {"propensity_floor": 2}, {"min_clicks": 0}, {"click_actions": " ,"}]
)
def test_settings_out_of_range_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        ClickSettings(**given)  # type: ignore[arg-type]
