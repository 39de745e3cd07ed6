"""Searching indices that somebody else made, with read requests alone."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.invoke import invoke
from tests.engine.engines import ask, is_opensearch
from tests.engine.recorder import recording

pytestmark = pytest.mark.engine
Fill = Callable[..., str]

MAPPINGS: dict[str, object] = {
    "properties": {
        "headline": {"type": "text", "fields": {"raw": {"type": "keyword"}, "english": {"type": "text"}}},
        "meta": {"properties": {"summary": {"type": "text"}, "views": {"type": "integer"}}},
        "comments": {"type": "nested", "properties": {"body": {"type": "text"}}},
        "kind": {"type": "keyword"},
        "a_b": {"type": "alias", "path": "meta.summary"},
    }
}
DOCUMENTS: dict[str, dict[str, object]] = {
    "1": {
        "headline": "Lentil soup",
        "meta": {"summary": "<p>Simmer red <b>lentils</b> &amp; cumin</p>"},
        "kind": "recipe",
    },
    "2": {
        "headline": ["Soup", "bowls"],
        "meta": {"summary": ["Four bowls", "for lentils"], "views": 3},
        "kind": "shop",
    },
    "3": {"headline": "Salad", "comments": [{"body": "no cooking"}, {"body": "needs lentils more"}], "kind": "recipe"},
    "4": {"kind": "recipe"},
    "5": {"headline": "Bread", "meta.summary": "flour \ud83d\ude42 مرحبا", "kind": "recipe"},
}


def hits(target: str, query: str, *options: str) -> list[dict[str, Any]]:
    done = invoke("search", target, query, "--json", *options)
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)["hits"]
    return found


def ids(target: str, query: str, *options: str) -> set[str]:
    return {hit["doc_id"] for hit in hits(target, query, "--model", "none", *options)}


def test_text_fields_of_any_shape_are_found_and_read(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    assert ids(target, "lentils") == {"1", "2", "3"}
    found = {hit["doc_id"]: hit for hit in hits(target, "lentils soup bread", "--model", "none")}
    assert found["1"]["text"] == "Simmer red lentils & cumin"
    assert found["2"]["text"].splitlines() == ["Four bowls", "for lentils"]
    assert found["3"]["text"].splitlines() == ["no cooking", "needs lentils more"]
    assert "مرحبا" in found["5"]["text"]


def test_the_model_reorders_what_the_engine_found(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    found = hits(target, "simmer red lentils with cumin", "--fusion", "none")
    assert found[0]["doc_id"] == "1"
    assert [hit["score"] for hit in found] == sorted((hit["logit"] for hit in found), reverse=True)
    assert {hit["first_stage_rank"] for hit in found} == {1, 2, 3}


def test_fields_can_be_named_with_boosts_and_a_wrong_one_is_told(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    assert ids(target, "lentils", "--field", "meta.summary^2,headline") == {"1", "2"}
    assert ids(target, "lentils", "--field", "meta.summary^2", "--field", "headline") == {"1", "2"}
    done = invoke("search", target, "x", "--field", "nope")
    assert done.code == 2 and "no field 'nope'" in done.error_line and "meta.summary" in done.error_line


@pytest.mark.parametrize("clause", ["kind=recipe", '{"terms": {"kind": ["recipe"]}}'])
def test_a_filter_holds_for_every_hit(filled: Fill, clause: str) -> None:
    assert ids(filled(DOCUMENTS, MAPPINGS), "lentils", "--filter", clause) == {"1", "3"}


def test_a_filter_on_a_text_means_its_whole_value_and_a_misspelt_one_is_told(filled: Fill) -> None:
    languages = ("en-US", "en-GB", "de")
    target = filled({str(n): {"body": "soup", "lang": language} for n, language in enumerate(languages)})
    assert ids(target, "soup", "--filter", "lang=en-US") == {"0"}  # text with a keyword, as engines map it themselves
    done = invoke("search", target, "soup", "--filter", "language=de")
    assert done.code == 2 and "no field 'language'" in done.error_line


def test_an_alias_of_a_field_is_read_all_the_same(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    found = {hit["doc_id"]: hit["text"] for hit in hits(target, "lentils", "--field", "a_b", "--model", "none")}
    assert found == {"1": "Simmer red lentils & cumin", "2": "Four bowls\nfor lentils"}


def test_fields_that_the_template_names_are_read_too(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    done = invoke("search", target, "lentils", "--template", "{title} {kind} {meta.views}", "--json")
    assert done.code == 0 and "views" not in done.err, done.err
    fields = {hit["doc_id"]: hit["fields"] for hit in json.loads(done.out)["hits"]}
    assert fields["2"]["kind"] == ["shop"] and fields["2"]["meta.views"] == ["3"]
    done = invoke("search", target, "lentils", "--template", "{title} {kimd}", "--json")
    assert done.code == 0 and "kimd" in done.err


def test_a_hybrid_query_of_opensearch_stays_on_top_of_its_body(filled: Fill, engine: str, tmp_path: Path) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    if not is_opensearch(engine) or ask("GET", engine)["cluster_name"] == "osmem":
        pytest.skip("hybrid is OpenSearch's")
    parts = [{"match": {"headline": "{{query}}"}}, {"match": {"meta.summary": "{{query}}"}}]
    pipeline: dict[str, object] = {"phase_results_processors": [{"normalization-processor": {}}]}
    (tmp_path / "body.json").write_text(
        json.dumps({"query": {"hybrid": {"queries": parts}}, "search_pipeline": pipeline})
    )
    options = ["--query-file", str(tmp_path / "body.json")]
    assert ids(target, "lentils salad", *options) == {"1", "2", "3"}
    assert ids(target, "lentils salad", *options, "--filter", "kind=recipe") == {"1", "3"}


def test_a_retriever_of_elasticsearch_is_filtered_too(filled: Fill, engine: str, tmp_path: Path) -> None:
    if is_opensearch(engine):
        pytest.skip("retrievers are Elasticsearch's")
    target = filled(DOCUMENTS, MAPPINGS)
    body = {"retriever": {"standard": {"query": {"match": {"meta.summary": "{{query}}"}}}}}
    (tmp_path / "body.json").write_text(json.dumps(body))
    options = ["--query-file", str(tmp_path / "body.json")]
    assert ids(target, "lentils", *options) == {"1", "2"}
    assert ids(target, "lentils", *options, "--filter", "kind=recipe") == {"1"}


def test_a_body_of_ones_own_is_kept_and_the_query_escaped(filled: Fill, tmp_path: Path) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    body = {
        "query": {
            "function_score": {
                "query": {
                    "bool": {"must": {"match": {"headline": "{{query}}"}}, "filter": {"term": {"kind": "recipe"}}}
                },
                "boost": 2,
            }
        },
        "aggs": {"kinds": {"terms": {"field": "kind"}}},
    }
    (tmp_path / "body.json").write_text(json.dumps(body))
    options = ["--query-file", str(tmp_path / "body.json")]
    assert ids(target, 'soup "} quoted \\ {', *options) == {"1"}
    assert ids(target, "soup salad", *options, "--filter", "headline.raw=Salad") == {"3"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("not json", "not JSON"),
        ('{"query": {"match_all": {}}}', "has no {{query}}"),
        ('{"sort": ["a"], "query": {"match": {"a": "{{query}}"}}}', "'sort'"),
        ('["{{query}}"]', "no search body"),
        ('{"query": {"nonsense": "{{query}}"}}', "nonsense"),
    ],
)
def test_a_body_that_cannot_be_used_is_one_line(filled: Fill, tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "body.json").write_text(text)
    done = invoke("search", filled(DOCUMENTS, MAPPINGS), "x", "--query-file", str(tmp_path / "body.json"))
    assert done.code in (1, 2) and part in done.error_line


def test_several_indices_keep_their_documents_apart(engine: str, filled: Fill, name: str) -> None:
    target = filled({"1": {"text": "lentils"}, "2": {"text": "lentils"}})
    ask("PUT", f"{engine}/{name}-b/_doc/1?refresh=true", {"text": "lentils lentils"})
    assert ids(f"{target},{name}-b", "lentils") == {f"{name}/1", f"{name}-b/1", f"{name}/2"}
    assert ids(f"{target}*", "lentils") == {f"{name}/1", f"{name}-b/1", f"{name}/2"}


def test_an_index_of_ours_beside_others_is_searched_as_they_are(
    engine: str, filled: Fill, name: str, tmp_path: Path
) -> None:
    target = filled({"1": {"headline": "lentils"}})
    (tmp_path / "c.jsonl").write_text('{"id": "2", "title": "lentils", "text": "of ours"}\n')
    options = ["--passage-words", "20", "--replicas", "0", "--state", str(tmp_path / "s")]
    assert invoke("index", str(tmp_path / "c.jsonl"), "--to", f"{target}-ours", *options).code == 0
    assert ids(f"{target},{name}-ours", "lentils") == {f"{name}/1", f"{name}-ours/2#1"}
    assert ids(f"{target}-ours", "lentils") == {"2"}


def test_documents_of_one_id_behind_one_name_give_the_better_one(engine: str, filled: Fill, name: str) -> None:
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


def test_a_data_stream_is_searched_like_an_index(engine: str, name: str) -> None:
    if ask("GET", engine)["cluster_name"] == "osmem":
        pytest.skip("osmem-server has no data streams")
    try:
        ask("GET", f"{engine}/_data_stream")
        ask("PUT", f"{engine}/_index_template/{name}", {"index_patterns": [name], "data_stream": {}, "priority": 900})
    except urllib.error.HTTPError as error:
        error.close()
        pytest.skip("this distribution of the engine has no data streams")
    try:
        ask(
            "PUT", f"{engine}/{name}/_create/7?refresh=true", {"@timestamp": "2026-01-01T00:00:00Z", "message": "burnt"}
        )
        assert ids(f"{engine}/{name}", "burnt") == {"7"}
        ask("DELETE", f"{engine}/_data_stream/{name}")
    finally:
        ask("DELETE", f"{engine}/_index_template/{name}")


def test_equal_scores_stand_in_the_order_of_the_house(filled: Fill) -> None:
    target = filled({str(number): {"text": "same words"} for number in range(5)})
    found = [hit["doc_id"] for hit in hits(target, "same", "--model", "none")]
    assert found == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("query", ["word " * 20_000, "a AND (b", 'x" OR *', "🙂 مرحبا", "\ud800 lentils", "{{query}}"])
def test_any_text_is_a_query(filled: Fill, query: str) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    done = invoke("search", target, query, "--model", "none")
    assert done.code == 0
    assert ("queries cut" in done.err) == (len(query) > 10_000)


def test_a_depth_beyond_the_window_says_what_to_do(filled: Fill) -> None:
    done = invoke("search", filled(DOCUMENTS, MAPPINGS), "lentils", "--depth", "20000", "--model", "none")
    assert done.code == 1 and "max_result_window" in done.error_line


def test_an_index_of_very_many_text_fields_asks_which_matter(filled: Fill) -> None:
    target = filled({"1": {f"field{n}": "lentils" for n in range(100)}})
    assert ids(target, "lentils " * 30) == {"1"}
    ask("PUT", f"{target}/_mapping", {"properties": {"last": {"type": "text"}}})
    done = invoke("search", target, "lentils")
    assert done.code == 1 and "has 101 text fields" in done.error_line and "--field" in done.error_line
    assert ids(target, "lentils", "--field", "field7") == {"1"}


def test_an_index_that_is_not_there_or_has_no_text_is_one_line(engine: str, filled: Fill) -> None:
    done = invoke("search", f"{engine}/not-there-at-all", "x")
    assert done.code == 1 and "no such index" in done.error_line
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


def test_searching_sends_no_write_to_the_index(engine: str, name: str, filled: Fill, tmp_path: Path) -> None:
    filled(DOCUMENTS, MAPPINGS)
    (tmp_path / "q.tsv").write_text("1\tlentils\n2\tsoup\n")
    (tmp_path / "qrels.tsv").write_text("1 0 1 1\n")
    with recording(engine) as (proxy, seen):
        target = f"{proxy}/{name}"
        assert invoke("search", target, "lentils").code == 0
        files = ["--queries", str(tmp_path / "q.tsv")]
        assert invoke("run", target, *files, "--output", str(tmp_path / "run"), "--model", "none").code == 0
        assert invoke("evaluate", target, *files, "--qrels", str(tmp_path / "qrels.tsv")).code == 0
    allowed = {
        ("GET", "/"),
        ("GET", f"/{name}/_field_caps"),
        ("POST", f"/{name}/_search"),
        ("POST", f"/{name}/_msearch"),
    }
    assert seen and set(seen) <= allowed
