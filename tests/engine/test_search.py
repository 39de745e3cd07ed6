"""Searching indices that were not created by resift, with read requests alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch

from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from tests.engine.engines import ask, is_opensearch
from tests.engine.recorder import recording
from tests.engine.searching import DOCUMENTS, MAPPINGS, Fill, hits, ids
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine


def test_text_fields_of_any_shape_are_found_and_read(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    assert ids(target, "lentils") == {"1", "2", "3"}
    found = {hit["doc_id"]: hit for hit in hits(target, "lentils soup bread", "--model", "none")}
    assert found["1"]["text"] == "<p>Simmer red <b>lentils</b> &amp; cumin</p>"
    assert found["1"]["snippet"] == "Simmer red lentils & cumin"
    assert found["2"]["text"].splitlines() == ["Four bowls", "for lentils"]
    assert found["3"]["text"].splitlines() == ["no cooking", "needs lentils more"]
    assert "مرحبا" in found["5"]["text"]


def test_the_model_reorders_what_the_engine_found(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    found = hits(target, "simmer red lentils with cumin", "--fusion", "none")
    assert found[0]["doc_id"] == "1"
    assert [hit["logit"] for hit in found] == sorted((hit["logit"] for hit in found), reverse=True)
    assert {hit["first_stage_rank"] for hit in found} == {1, 2, 3}


def test_fields_can_be_named_with_boosts_and_an_unknown_one_is_an_error(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    assert ids(target, "lentils", "--field", "meta.summary^2,headline") == {"1", "2"}
    assert ids(target, "lentils", "--field", "meta.summary^2", "--field", "headline") == {"1", "2"}
    done = invoke("search", target, "x", "--field", "headline^x")
    assert done.code == 2 and "boost of 'headline^x' is not a number" in done.error_line
    done = invoke("search", target, "x", "--field", "nope")
    assert done.code == 2 and "no field 'nope'" in done.error_line and "meta.summary" in done.error_line


def test_documents_of_several_indices_have_different_ids(engine: str, filled: Fill, name: str) -> None:
    target = filled({"1": {"text": "lentils"}, "2": {"text": "lentils"}})
    ask("PUT", f"{engine}/{name}-b/_doc/1?refresh=true", {"text": "lentils lentils"})
    assert ids(f"{target},{name}-b", "lentils") == {f"{name}/1", f"{name}-b/1", f"{name}/2"}
    assert ids(f"{target}*", "lentils") == {f"{name}/1", f"{name}-b/1", f"{name}/2"}


def test_an_index_of_resift_among_others_is_searched_like_them(
    engine: str, filled: Fill, name: str, tmp_path: Path
) -> None:
    target = filled({"1": {"headline": "lentils"}})
    (tmp_path / "c.jsonl").write_text('{"id": "2", "title": "lentils", "text": "of ours"}\n')
    options = ["--passage-words", "20", "--replicas", "0", "--state", str(tmp_path / "s")]
    assert invoke("index", str(tmp_path / "c.jsonl"), "--to", f"{target}-ours", *options).code == 0
    assert ids(f"{target},{name}-ours", "lentils") == {f"{name}/1", f"{name}-ours/2#1"}
    assert ids(f"{target}-ours", "lentils") == {"2"}


def test_of_documents_with_the_same_id_behind_one_alias_the_better_one_is_found(
    engine: str, filled: Fill, name: str
) -> None:
    target = filled({})
    for routing, text in (("a", "lentils"), ("b", "lentils lentils")):
        ask("PUT", f"{target}-r{routing}", {"aliases": {f"{name}-all": {}}})
        ask("PUT", f"{target}-r{routing}/_doc/1?refresh=true", {"body": text})
    done = invoke("search", f"{target}-all", "lentils", "--model", "none", "--json")
    assert [hit["doc_id"] for hit in json.loads(done.out)["hits"]] == ["1"] and "hits left out" in done.err


def test_an_alias_is_searched_like_an_index(engine: str, filled: Fill, name: str) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": {"index": name, "alias": f"{name}-alias"}}]})
    assert ids(f"{target}-alias", "lentils") == {"1", "2", "3"}


def test_a_data_stream_is_searched_like_an_index(stream: str) -> None:
    assert ids(stream, "burnt") == {"7"}


def test_equal_scores_are_ordered_by_descending_id(filled: Fill) -> None:
    target = filled({str(number): {"text": "same words"} for number in range(5)})
    found = [hit["doc_id"] for hit in hits(target, "same", "--model", "none")]
    assert found == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("query", ["word " * 20_000, "a AND (b", 'x" OR *', "🙂 مرحبا", "\ud800 lentils", "{{query}}"])
def test_any_text_is_a_query(filled: Fill, query: str) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    done = invoke("search", target, query, "--model", "none")
    assert done.code == 0
    assert ("queries cut" in done.err) == (len(query) > 10_000)


def test_a_depth_beyond_max_result_window_is_an_error(filled: Fill) -> None:
    done = invoke("search", filled(DOCUMENTS, MAPPINGS), "lentils", "--depth", "20000", "--model", "none")
    assert done.code == 1 and "max_result_window" in done.error_line


def test_an_index_with_too_many_text_fields_needs_the_option_field(filled: Fill) -> None:
    target = filled({"1": {f"field{n}": "lentils" for n in range(100)}})
    assert ids(target, "lentils " * 30) == {"1"}
    ask("PUT", f"{target}/_mapping", {"properties": {"last": {"type": "text"}}})
    done = invoke("search", target, "lentils")
    assert done.code == 1 and "has 101 text fields" in done.error_line and "--field" in done.error_line
    assert ids(target, "lentils", "--field", "field7") == {"1"}


def test_a_missing_index_and_one_without_text_give_one_line(engine: str, filled: Fill) -> None:
    done = invoke("search", f"{engine}/not-there-at-all", "x")
    assert done.code == 1 and "no such index" in done.error_line
    done = invoke("search", f"{engine}/not-there-at-all*", "x")
    assert done.code == 1 and "no index of that name" in done.error_line
    target = filled({"1": {"number": 3}}, {"properties": {"number": {"type": "integer"}}})
    done = invoke("search", target, "x")
    assert done.code == 1 and "no text field" in done.error_line


def test_many_queries_as_a_run_equal_each_one_alone(filled: Fill, tmp_path: Path) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    (tmp_path / "q.tsv").write_text("".join(f"q{n}\t{'lentils soup'.split()[n % 2]}\n" for n in range(40)))
    done = invoke(
        "run", target, "--queries", str(tmp_path / "q.tsv"), "--output", str(tmp_path / "r"), "--model", "none"
    )
    assert done.code == 0, done.err
    lines = [line.split() for line in (tmp_path / "r").read_text().splitlines()]
    for query_id, text in (("q0", "lentils"), ("q1", "soup")):
        alone = [(hit["doc_id"], hit["score"]) for hit in hits(target, text, "--model", "none")]
        assert [(line[2], float(line[4])) for line in lines if line[0] == query_id] == alone


def test_searching_does_not_write_to_the_index(engine: str, name: str, filled: Fill, tmp_path: Path) -> None:
    filled(DOCUMENTS, MAPPINGS)
    (tmp_path / "q.tsv").write_text("1\tlentils\n2\tsoup\n")
    (tmp_path / "qrels.tsv").write_text("1 0 1 1\n")
    with recording(engine) as (proxy, seen):
        target = f"{proxy}/{name}"
        assert invoke("search", target, "lentils").code == 0
        files = ["--queries", str(tmp_path / "q.tsv")]
        assert invoke("run", target, *files, "--output", str(tmp_path / "run"), "--model", "none").code == 0
        assert invoke("evaluate", target, *files, "--qrels", str(tmp_path / "qrels.tsv")).code == 0
        with (OpenSearch if is_opensearch(engine) else Elasticsearch)(proxy) as native:
            client = RerankingClient(native, Reranker(load_scorer("resift-small")), ["headline", "meta.summary"])
            query = {"query": {"match": {"headline": "soup"}}}
            assert client.search(index=name, body=query).resift.status == "reranked"
            lines: Any = [{"index": name}, query]
            client.msearch(**{"body" if is_opensearch(engine) else "searches": lines})
    allowed = {
        ("GET", "/"),
        ("GET", f"/{name}/_field_caps"),
        ("POST", f"/{name}/_search"),
        ("POST", f"/{name}/_msearch"),
        ("POST", "/_msearch"),
    }
    assert seen and set(seen) <= allowed
