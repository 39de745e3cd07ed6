"""Clicks are read as UBI's events and as plain lines, once each, and joined with the searches that they name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.experiments.clicks import Clicks
from resift.rerank.experiments.team_draft import ShownHit
from resift.retrieval.errors import CorpusError
from tests.rerank.experiments.searches import search, write_lines

ACTIONS = frozenset({"click", "addtocart"})


def event(query_id: object = "s1", doc_id: object = "b", action: object = "click", **values: Any) -> dict[str, Any]:
    attributes = {"object": {"object_id": doc_id}, "position": {"ordinal": 2}}
    return {"action_name": action, "query_id": query_id, "event_attributes": attributes, **values}


def clicks(path: Path, *rows: object) -> Clicks:
    found = Clicks(ACTIONS)
    found.read_file(str(write_lines(path / "clicks.jsonl", *rows)))
    return found


def clicked(found: Clicks, search_id: str = "s1") -> list[str]:
    return [hit.doc_id for hit in found.of(search(search_id))]


def test_the_same_click_is_read_from_each_form(tmp_path: Path) -> None:
    plain = {"search_id": "s1", "doc_id": "b", "position": 2, "time": "2026-01-05T10:00:01Z"}
    query = {"query_id": "s1", "user_query": "soup", "query_response_hit_ids": ["a", "b"], "timestamp": "2026"}
    forms: list[list[object]] = [
        [plain],
        [event(timestamp="2026-01-05T10:00:01Z", client_id="c")],
        [query, event()],
        [{"_index": "ubi_events", "_id": "1", "_source": event()}, {"_index": "ubi_queries", "_source": query}],
        [{"index": {"_index": "ubi_events"}}, event(action="Add-to-Cart")],
        [{"took": 1, "hits": {"total": {"value": 1}, "hits": [{"_id": "1", "_source": event()}]}}],
    ]
    for rows in forms:
        found = clicks(tmp_path, *rows)
        assert (clicked(found), found.read, list(found.notes())) == (["b"], 1, [])


def test_a_click_counts_once_and_those_that_fit_nothing_are_counted(tmp_path: Path) -> None:
    rows = [event(), event(), {"search_id": "s1", "doc_id": "b"}, event(doc_id="z"), event("s9"), event("s9", "q")]
    found = clicks(tmp_path, *rows, event(action="scroll"), event(action=None))
    assert clicked(found) == ["b"]
    assert clicked(found) == []  # the same search again, as when a page is loaded twice
    assert (found.read, found.duplicates, found.unknown, found.not_shown) == (6, 2, 2, 1)
    assert list(found.notes()) == [
        "events that were not counted as clicks (`click_actions`): scroll (1), without a name (1)",
        "2 of 4 clicks name a search that is not in the log (search_id, query_id)",
        "1 of 4 clicks name a hit that their search did not show: other ids?",
    ]


def test_an_event_may_name_the_hit_by_its_id_in_the_index(tmp_path: Path) -> None:
    both = {
        "action_name": "click",
        "query_id": "s1",
        "event_attributes": {"object": {"object_id": "sku", "internal_id": "c"}},
    }
    assert Clicks(ACTIONS).of(search()) == []
    assert clicks(tmp_path, both).of(search()) == [ShownHit("c")]


def test_a_click_on_page_2_is_not_lost_on_page_1_of_the_same_search(tmp_path: Path) -> None:
    found = clicks(tmp_path, event(doc_id="z"))
    assert clicked(found) == []
    assert found.not_shown == 1
    found.leave_out(search())
    assert found.not_shown == 0


def test_without_the_page_all_hits_of_the_order_that_was_shown_may_be_clicked(tmp_path: Path) -> None:
    for one, ids in ((search(), ("a", "b", "c")), (search(kind="reranked"), ("c", "a", "b"))):
        found = clicks(tmp_path, *({"search_id": "s1", "doc_id": doc_id} for doc_id in "abc"))
        assert tuple(hit.doc_id for hit in found.of(replace(one, shown=()))) == ids
    late = replace(search(), kind="interleaved", shown=(), reranked=(), outcome="late")
    assert clicks(tmp_path, event()).of(late) == [ShownHit("b")]


def test_ids_that_are_numbers_are_texts(tmp_path: Path) -> None:
    found = clicks(tmp_path, {"search_id": 7, "doc_id": 12})
    assert (found.read, found.kept) == (1, 1)


def test_records_without_an_id_are_named_with_their_lines(tmp_path: Path) -> None:
    rows = [event(), event(doc_id=None), event(query_id=""), {"search_id": "s1"}, {"a": 1}, {"action_name": "click"}, 5]
    found = clicks(tmp_path, *rows)
    assert found.read == 1
    [problems] = found.problems
    assert problems.bad == 6
    assert problems.first[3] == (
        5,
        "has 'a'; expected search_id and doc_id, or an event of UBI: query_id, action_name, event_attributes.object",
    )


def test_an_id_that_is_null_is_said_to_be_null_once(tmp_path: Path) -> None:
    null = {"search_id": None, "doc_id": "b"}
    found = clicks(tmp_path, *[null] * 7, {"search_id": "s1"}, event(doc_id=None), event(query_id=""), event())
    [note] = found.problems[0].notes()
    expected = "expected an id, a text or a whole number"
    assert note.partition("lines were left out ")[2] == (
        f"(line 1: search_id is null; {expected}; line 8: doc_id is missing; {expected}; "
        f"line 9: event_attributes.object.object_id is null; {expected}; line 10: query_id is empty; {expected} …)"
    )
    assert (found.problems[0].bad, found.read) == (10, 1)


def test_a_file_without_any_click_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="line 1: has no clicks: has 'query', 'shown', 'clicked'; expected search_id"):
        clicks(tmp_path, *[{"query": "soup", "shown": ["a"], "clicked": ["a"]}] * 1000)
    with pytest.raises(CorpusError, match="cannot be read"):
        Clicks(ACTIONS).read_file(str(tmp_path / "none.jsonl"))


def test_clicks_on_a_response_that_was_not_read_are_counted_apart(tmp_path: Path) -> None:
    found = clicks(tmp_path, event(doc_id="z"))
    assert found.of(replace(search(), first_stage=(), reranked=(), shown=(), outcome="skipped", unread=True)) == []
    assert (found.not_shown, found.not_read) == (0, 1)
    assert list(found.notes()) == ["1 of 1 clicks are in responses that passed through; their hits are unknown"]
