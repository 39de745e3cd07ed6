"""A user's own queries and filters are preserved, in any query DSL of the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.engines import ask, is_opensearch
from tests.engine.searching import DOCUMENTS, MAPPINGS, Fill, hits, ids
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("clause", ["kind=recipe", '{"terms": {"kind": ["recipe"]}}'])
def test_a_filter_holds_for_every_hit(filled: Fill, clause: str) -> None:
    assert ids(filled(DOCUMENTS, MAPPINGS), "lentils", "--filter", clause) == {"1", "3"}


def test_a_filter_on_a_nested_field_looks_into_the_nested_objects(filled: Fill) -> None:
    assert ids(filled(DOCUMENTS, MAPPINGS), "lentils", "--filter", "steps.body=lentils more") == {"3"}


def test_a_filter_on_a_text_matches_its_whole_value_and_an_unknown_field_is_an_error(filled: Fill) -> None:
    languages = ("en-US", "en-GB", "de")
    target = filled({str(n): {"body": "soup", "lang": language} for n, language in enumerate(languages)})
    assert ids(target, "soup", "--filter", "lang=en-US") == {"0"}  # text with a keyword multi-field, as by default
    done = invoke("search", target, "soup", "--filter", "language=de")
    assert done.code == 2 and "no field 'language'" in done.error_line


def test_an_alias_of_a_field_is_read_like_a_field(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    found = {hit["doc_id"]: hit["text"] for hit in hits(target, "lentils", "--field", "a_b", "--model", "none")}
    assert found == {"1": "<p>Simmer red <b>lentils</b> &amp; cumin</p>", "2": "Four bowls\nfor lentils"}


def test_fields_that_the_template_names_are_read_too(filled: Fill) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    done = invoke("search", target, "lentils", "--template", "{title} {kind} {meta.views}", "--json")
    assert done.code == 0 and "views" not in done.err, done.err
    fields = {hit["doc_id"]: hit["fields"] for hit in json.loads(done.out)["hits"]}
    assert fields["2"]["kind"] == ["shop"] and fields["2"]["meta.views"] == ["3"]
    done = invoke("search", target, "lentils", "--template", "{title} {kimd}", "--json")
    assert done.code == 0 and "kimd" in done.err


def test_a_hybrid_query_of_opensearch_stays_the_outermost_query(filled: Fill, engine: str, tmp_path: Path) -> None:
    target = filled(DOCUMENTS, MAPPINGS)
    if not is_opensearch(engine) or ask("GET", engine)["cluster_name"] == "osmem":
        pytest.skip("only OpenSearch has hybrid queries")
    parts = [{"match": {"headline": "{{query}}"}}, {"match": {"meta.summary": "{{query}}"}}]
    pipeline: dict[str, object] = {"phase_results_processors": [{"normalization-processor": {}}]}
    (tmp_path / "body.json").write_text(
        json.dumps({"query": {"hybrid": {"queries": parts}}, "search_pipeline": pipeline})
    )
    options = ["--query-file", str(tmp_path / "body.json")]
    assert ids(target, "lentils salad", *options) == {"1", "2", "3"}
    assert ids(target, "lentils salad", *options, "--filter", "kind=recipe") == {"1", "3"}
    (tmp_path / "body.json").write_text(json.dumps({"query": {"hybrid": {"queries": parts}}}))
    done = invoke("search", target, "lentils salad", *options)
    assert done.code == 1 and 'needs a "search_pipeline"' in done.error_line


def test_a_retriever_of_elasticsearch_is_filtered_too(filled: Fill, engine: str, tmp_path: Path) -> None:
    if is_opensearch(engine):
        pytest.skip("only Elasticsearch has retrievers")
    target = filled(DOCUMENTS, MAPPINGS)
    body = {"retriever": {"standard": {"query": {"match": {"meta.summary": "{{query}}"}}}}}
    (tmp_path / "body.json").write_text(json.dumps(body))
    options = ["--query-file", str(tmp_path / "body.json")]
    assert ids(target, "lentils", *options) == {"1", "2"}
    assert ids(target, "lentils", *options, "--filter", "kind=recipe") == {"1"}


def test_a_users_own_body_is_preserved_and_the_query_escaped(filled: Fill, tmp_path: Path) -> None:
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
        ('["{{query}}"]', "not a search body"),
        ('{"query": {"nonsense": "{{query}}"}}', "nonsense"),
    ],
)
def test_a_body_that_cannot_be_used_is_one_line(filled: Fill, tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "body.json").write_text(text)
    done = invoke("search", filled(DOCUMENTS, MAPPINGS), "x", "--query-file", str(tmp_path / "body.json"))
    assert done.code in (1, 2) and part in done.error_line
