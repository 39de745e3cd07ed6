"""The user's words are found in any search body, and never taken from a filter."""

from typing import Any

import pytest

from resift.rerank.plugin.query_text import query_text

READ = ["title", "text"]


def match(field: str, text: str) -> dict[str, Any]:
    return {"match": {field: text}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"query": {"match": {"title": "red soup"}}}, "red soup"),
        ({"query": {"match": {"title": {"query": "red soup", "operator": "and"}}}}, "red soup"),
        ({"query": {"multi_match": {"query": "red soup", "fields": ["a", "b^2"]}}}, "red soup"),
        ({"query": {"query_string": {"default_field": "a", "query": "red soup"}}}, "red soup"),
        ({"query": {"bool": {"filter": [{"match": {"a": "not this"}}], "should": [{"match": {"b": "this"}}]}}}, "this"),
        ({"query": {"bool": {"must_not": {"match": {"a": "not this"}}}}}, ""),
        (
            {
                "query": {
                    "function_score": {
                        "functions": [{"filter": {"match": {"a": "no"}}}],
                        "query": {"match": {"a": "y"}},
                    }
                }
            },
            "y",
        ),
        ({"query": {"dis_max": {"queries": [{"match_all": {}}, {"match_phrase": {"a": "b c"}}]}}}, "b c"),
        ({"query": {"nested": {"path": "p", "query": {"match": {"p.a": "deep"}}}}}, "deep"),
        ({"query": {"hybrid": {"queries": [{"neural": {"v": {"query_text": "words", "model_id": "m"}}}]}}}, "words"),
        ({"query": {"semantic": {"field": "inference_field", "query": "meaning"}}}, "meaning"),
        ({"query": {"term": {"kind": "recipe"}}}, ""),
        ({"retriever": {"rrf": {"retrievers": [{"standard": {"query": {"match": {"a": "one"}}}}]}}}, "one"),
        ({"retriever": {"standard": {"filter": {"match": {"a": "no"}}, "query": {"match": {"a": "yes"}}}}}, "yes"),
        (
            {
                "knn": {
                    "field": "v",
                    "query_vector_builder": {"text_embedding": {"model_id": "m", "model_text": "near"}},
                }
            },
            "near",
        ),
        ({"knn": {"field": "v", "query_vector": [1.0, 2.0]}}, ""),
        ({"q": "in the address"}, "in the address"),
        ({}, ""),
    ],
)
def test_the_text_that_decides_the_scores_is_found(body: dict[str, Any], expected: str) -> None:
    assert query_text(body) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"bool": {"must": [match("kind", "recipe"), match("title", "red soup")]}}, "red soup"),
        ({"bool": {"must": [match("kind", "recipe"), match("title.english", "red soup")]}}, "red soup"),
        ({"bool": {"should": [match("brand", "acme"), match("all", "red shoes to run")]}}, "red shoes to run"),
        (
            {"bool": {"must": match("brand", "acme"), "should": {"semantic": {"field": "v", "query": "warm soup"}}}},
            "warm soup",
        ),
        (
            {
                "dis_max": {
                    "queries": [
                        {"multi_match": {"query": "acme", "fields": ["brand"]}},
                        {"multi_match": {"query": "red soup", "fields": ["t*^3"]}},
                    ]
                }
            },
            "red soup",
        ),
        ({"hybrid": {"queries": [{"neural": {"v": {"query_text": "near"}}}, match("title", "words")]}}, "words"),
        ({"boosting": {"positive": match("title", "yes"), "negative": match("title", "no")}}, "yes"),
        (
            {"script_score": {"query": match("text", "yes"), "script": {"params": {"match": {"title": "no"}}}}},
            "yes",
        ),
        ({"has_child": {"type": "part", "query": match("title", "of a child")}}, "of a child"),
        ({"pinned": {"ids": ["1"], "organic": match("title", "organic words")}}, "organic words"),
        ({"rule": {"organic": match("title", "yes"), "match_criteria": match("title", "no")}}, "yes"),
        ({"combined_fields": {"query": "red soup", "fields": ["title", "text"]}}, "red soup"),
        ({"sparse_vector": {"field": "x", "inference_id": "elser", "query": "sparse"}}, "sparse"),
        ({"text_expansion": {"ml.tokens": {"model_id": "m", "model_text": "expanded"}}}, "expanded"),
        ({"more_like_this": {"fields": ["title"], "like": "a document"}}, ""),
        ({"constant_score": {"filter": match("title", "no")}}, ""),
        (
            {
                "intervals": {
                    "text": {
                        "all_of": {
                            "intervals": [
                                {"match": {"query": "hot soup", "filter": {"before": {"match": {"query": "no"}}}}}
                            ]
                        }
                    }
                }
            },
            "hot soup",
        ),
        ({"query_string": {"query": "title:(red soup) AND kind:recipe NOT cold"}}, "red soup"),
        ({"query_string": {"query": "lentils lang:en", "fields": ["title^3"]}}, "lentils"),
        ({"query_string": {"query": "kind:recipe"}}, "recipe"),
        ({"query_string": {"query": "_exists_:title"}}, ""),
        ({"simple_query_string": {"query": '+red -green "hot soup"~2', "fields": ["title"]}}, "red hot soup"),
        ({"simple_query_string": {"query": "a -b", "flags": "NONE"}}, "a -b"),
    ],
)
def test_of_several_texts_the_one_for_the_fields_that_are_read_is_chosen(query: dict[str, Any], expected: str) -> None:
    assert query_text({"query": query}, READ) == expected


@pytest.mark.parametrize(
    ("retriever", "expected"),
    [
        ({"rrf": {"query": "red soup", "fields": ["title", "text"]}}, "red soup"),
        ({"text_similarity_reranker": {"retriever": {"standard": {}}, "inference_text": "red soup"}}, "red soup"),
        (
            {
                "linear": {
                    "retrievers": [
                        {"retriever": {"knn": {"field": "v", "query_vector_builder": {"x": {"model_text": "near"}}}}},
                        {"retriever": {"standard": {"query": match("title", "red soup")}}},
                    ]
                }
            },
            "red soup",
        ),
    ],
)
def test_the_text_of_a_retriever_is_found(retriever: dict[str, Any], expected: str) -> None:
    assert query_text({"retriever": retriever}, READ) == expected


def test_the_query_in_a_url_has_the_syntax_of_query_strings() -> None:
    assert query_text({"q": "title:soup -cold brand:acme", "df": "text"}, READ) == "soup"
