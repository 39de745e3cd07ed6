"""`resift report`: the table, the JSON and the page of a log, and its refusals."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.evaluation.page import to_markdown
from resift.rerank.experiments.log import to_line
from resift.rerank.experiments.pictures import Bar, bar_chart, line_chart
from resift.rerank.experiments.report import make_report, read_since
from resift.rerank.experiments.report_page import experiment_page
from resift.retrieval.errors import SettingsError
from tests.rerank.cli.invoke import assert_one_line, invoke
from tests.rerank.experiments.searches import mixed, search, write_lines, write_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of eight interleaved, two shadow and one reranked search."""
    interleaved = [mixed(f"m{number}", f"2026-01-0{1 + number}T10:00:00Z") for number in range(8)]
    shadow = replace(search("s1"), engine_ms=10.0, rerank_ms=40.0)
    late = replace(search("s2"), index="blog", reranked=(), outcome="late", reason="deadline of 100 ms")
    return write_log(tmp_path / "log.jsonl", *interleaved, shadow, late, search("r1", "reranked"))


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    """Clicks on c, which the reranked order gave, in each interleaved search, and one in each other kind."""
    rows = [{"search_id": f"m{number}", "doc_id": "c"} for number in range(8)]
    return write_lines(tmp_path / "clicks.jsonl", *rows, *({"search_id": one, "doc_id": "b"} for one in ("s1", "r1")))


def as_json(*arguments: object) -> dict[str, Any]:
    done = invoke("report", *map(str, arguments), "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_the_report_says_who_won_and_how_the_orders_differ(log: Path, clicks: Path) -> None:
    done = invoke("report", str(log), "--clicks", str(clicks))
    assert done.code == 0, done.err
    assert "11 searches, from 2026-01-01 10:00 to 2026-01-08 10:00 (UTC)." in done.out
    assert "helped: the reranked order won 8 of 8 decided votes (100.0 %, 95 % interval 63.1 % to 100.0 %;" in done.out
    rows = {re.split(r"  +", line)[0]: re.split(r"  +", line.rstrip())[1:] for line in done.out.splitlines()}
    assert rows["searches"] == ["2", "8", "1"]
    assert rows["late"] == ["1 (50.0 %)", "-", "-"]
    assert rows["top hit changes"] == ["100.0 %"] * 3
    assert rows["rerank / engine, p50, p95, p99"] == ["4, 4, 4", "-", "-"]
    assert rows["blog"] == ["1", "0", "0"]
    assert "biased in favour of the first stage's order, which was shown" in " ".join(done.out.split())


def test_the_json_has_all_figures(log: Path, clicks: Path) -> None:
    found = as_json(log, "--clicks", clicks)
    assert (found["searches"], found["bad_lines"], found["notes"]) == (11, 0, [])
    assert found["clicks"] == {"read": 10, "duplicates": 0, "unknown_search": 0, "not_shown": 0, "not_read": 0}
    votes = found["interleaving"]
    assert (votes["verdict"], votes["wins"], votes["losses"], round(votes["p_value"], 7)) == ("helped", 8, 0, 0.0078125)
    assert (votes["delta"], votes["share"], votes["leads"]) == (0.5, 1.0, {"reranked": 8})
    shadow = found["kinds"]["shadow"]
    assert shadow["outcomes"] == {"reranked": 1, "late": 1, "failed": 0, "skipped": 0}
    assert (shadow["overlap_10"]["mean"], shadow["moves"]) == (1.0, {"-1": 2, "2": 1})
    assert shadow["engine_ms"] == {"p50": 10.0, "p95": 10.0, "p99": 10.0, "max": 10.0}
    assert shadow["click_reciprocal_rank"]["searches"] == 1


def test_index_and_time_select_searches_and_their_clicks_are_not_unknown(log: Path, clicks: Path) -> None:
    found = as_json(log, "--clicks", clicks, "--since", "2026-01-06", "--index", "shop")
    assert (found["searches"], found["excluded"], found["interleaving"]["wins"]) == (3, 8, 3)
    assert found["clicks"]["unknown_search"] == 0
    assert found["notes"] == ["8 searches of other indices, or earlier ones, are left out"]
    done = invoke("report", str(log), "--index", "none")
    assert (done.code, "No search of none is selected." in done.out) == (0, True)


def test_logs_are_read_as_one_whether_plain_compressed_or_from_standard_input(tmp_path: Path, log: Path) -> None:
    packed = tmp_path / "log.jsonl.1.gz"
    packed.write_bytes(gzip.compress(to_line(search("old")).encode()))
    done = invoke("report", str(packed), str(log), "-", "--json", stdin=to_line(search("in")).encode())
    assert json.loads(done.out)["searches"] == 13


def test_an_empty_log_and_one_search_are_reported(tmp_path: Path) -> None:
    done = invoke("report", str(write_log(tmp_path / "a.jsonl")))
    assert (done.code, done.out.strip()) == (0, "No search is in the log yet.")
    page = tmp_path / "a.html"
    done = invoke("report", str(write_log(tmp_path / "b.jsonl", mixed("s1"))), "--html", str(page))
    assert done.code == 0, done.err
    assert "cannot tell: no click decides between the two orders." in done.out
    assert "name a file of them with --clicks" in done.out
    assert "cannot tell" in page.read_text(encoding="utf-8")


def test_bad_lines_unknown_clicks_and_lost_searches_are_notes(tmp_path: Path, log: Path) -> None:
    with log.open("a") as file:
        file.writelines(to_line(replace(mixed(f"f{one}"), reranked=(), shown=(), outcome="failed")) for one in "ab")
        file.write('{"torn')
    rows = [{"search_id": "nowhere", "doc_id": "a"}, {"action_name": "hover", "query_id": "m1"}]
    notes = as_json(log, "--clicks", write_lines(tmp_path / "c.jsonl", *rows))["notes"]
    assert [note.split(": ", 1)[-1][:60] for note in notes] == [
        "1 of 14 lines were left out (line 14: is not complete)",
        "hover (1)",
        "1 of 1 clicks name a search that is not in the log (search_i",
        "more than a tenth of the interleaved searches were not reran",
    ]
    assert notes[1].startswith("events that were not counted as clicks (--click-actions)")


def test_a_coin_that_is_not_fair_is_reported(tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.jsonl", *(mixed(f"s{number}") for number in range(40)))
    [note, _] = sorted(as_json(path)["notes"], reverse=True)
    assert "the teams do not lead equally often (reranked 40)" in note


def test_the_page_has_pictures_and_shows_texts_of_users_literally(tmp_path: Path, log: Path, clicks: Path) -> None:
    write_log(evil := tmp_path / "evil.jsonl", replace(search(), index="<script>alert(1)</script>", engine_ms=5.0))
    page = tmp_path / "report.html"
    done = invoke("report", str(log), str(evil), "--clicks", str(clicks), "--html", str(page))
    assert done.code == 0, done.err
    text = page.read_text(encoding="utf-8")
    assert "<script>" not in text and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    pictures = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(pictures) == 8  # wins over time; overlap and moves of three kinds; times of the shadow searches
    for picture in pictures:
        assert ElementTree.fromstring(picture).attrib["role"] == "img"
    assert "helped" in text and "(UTC)" in text


def test_markdown_has_the_texts_of_the_pictures_alone(log: Path) -> None:
    text = to_markdown(experiment_page(make_report([str(log)])))
    assert "<svg" not in text
    assert "shadow: how many of the first 10 hits are the same in both orders" in text


def test_bars_and_lines_have_the_sizes_of_their_values() -> None:
    picture = ElementTree.fromstring(bar_chart("a < b", [Bar("x", 4, 1), Bar("&", 2), Bar("0", 0)], "label"))
    bars = [one for one in picture if one.tag.endswith("rect")]
    heights = [float(one.attrib["height"]) for one in bars]
    assert heights == pytest.approx([160.0, 40.0, 80.0])
    assert [float(one.attrib["y"]) + float(one.attrib["height"]) for one in bars] == pytest.approx([176, 216, 176])
    assert [one[0].text for one in bars] == ["x: 4", "x: 1", "&: 2"]
    lines = ElementTree.fromstring(line_chart("t", {"a": [(0.0, 1.0), (1.0, 100.0)]}, "share"))
    [line] = [one for one in lines if one.tag.endswith("polyline")]
    assert line.attrib["points"] == "64.0,216.0 704.0,16.0"
    for nothing in (bar_chart("t", [], "x"), line_chart("t", {}, "x"), line_chart("t", {"a": [(1.0, 0.0)]}, "x")):
        ElementTree.fromstring(nothing)


def test_a_time_is_a_date_a_time_with_or_without_a_zone_or_a_span() -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert read_since("7d", now) == datetime(2026, 1, 24, 12, tzinfo=UTC)
    assert read_since("90m", now) == datetime(2026, 1, 31, 10, 30, tzinfo=UTC)
    assert read_since("2026-01-31T09:00+02:00") == datetime(2026, 1, 31, 7, tzinfo=UTC)
    for bad in ("", "yesterday", "7", "d", "-7d", "99999999999d", "2026-13-01", "²d"):
        with pytest.raises(SettingsError, match="since: .* is not a time"):
            read_since(bad, now)


def test_a_log_that_is_named_twice_counts_once_in_the_library(log: Path) -> None:
    assert make_report([str(log), str(log)]).searches == 11


def test_wrong_use_is_refused_before_any_work(tmp_path: Path, log: Path, clicks: Path) -> None:
    assert_one_line(invoke("report"), 2, "LOG")
    assert_one_line(invoke("report", str(tmp_path / "none.jsonl")), 1, "none.jsonl", "cannot be read")
    assert_one_line(invoke("report", str(tmp_path)), 1, "Is a directory", "expected a file of JSON lines")
    assert_one_line(invoke("report", str(log), "--clicks", str(tmp_path / "none")), 1, "cannot be read")
    assert_one_line(invoke("report", str(log), str(log)), 2, "named twice")
    assert_one_line(invoke("report", str(log), "--html", "report.pdf"), 2, "ends in .html")
    assert_one_line(invoke("report", str(log), "--html", str(tmp_path / "x" / "a.html")), 2, "does not exist")
    assert_one_line(invoke("report", str(log), "--since", "soon"), 2, "since", "2026-01-31")
    assert_one_line(invoke("report", str(log), "--click-actions", "buy"), 2, "no effect without --clicks")
    done = invoke("report", str(log), "--clicks", str(clicks), "--ca-certs", "x")
    assert_one_line(done, 2, "no effect without an index's address")
    assert log.exists()
