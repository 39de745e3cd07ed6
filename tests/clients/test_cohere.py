"""Cohere's SDK in its newest version, and in the one to which LangChain's integration is bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.clients.client_programs import DOCUMENTS, ClientPrograms, assert_examples, assert_ranked, ranked
from tests.rerank.service.running import Running


@pytest.fixture(scope="module", params=[(), ("cohere",)], ids=["newest", "older"])
def versions(request: pytest.FixtureRequest, clients: ClientPrograms) -> ClientPrograms:
    return replace(clients, older=request.param)


@pytest.fixture(scope="module")
def first(versions: ClientPrograms, guarded: Running) -> Any:
    return versions.run("cohere_v1", guarded.url)


@pytest.fixture(scope="module")
def second(versions: ClientPrograms, guarded: Running) -> Any:
    return versions.run("cohere_v2", guarded.url, tokens=5)


def test_both_versions_of_the_sdk_are_tried(first: Any, versions: ClientPrograms) -> None:
    assert first["version"].split(".")[0] == ("5" if versions.older else "7")


@pytest.mark.parametrize("case", ["all", "without a model", "objects", "asynchronous"])
def test_v1_ranks_as_the_model_in_this_process(first: Any, case: str) -> None:
    assert_ranked(first[case], ranked())


def test_v1_top_n_limits_the_results(first: Any) -> None:
    assert_ranked(first["top_n"], ranked(top_n=2))


def test_v1_rank_fields_choose_what_is_read_of_an_object(first: Any) -> None:
    assert_ranked(first["fields"], ranked())
    assert first["title of the best"] == DOCUMENTS[1]


def test_v1_return_documents_gives_the_texts_in_the_order_of_the_results(first: Any) -> None:
    assert first["texts"] == [DOCUMENTS[index] for index, _ in ranked()]


def test_v1_counts_one_search_unit(first: Any) -> None:
    assert first["units"] == 1


def test_v1_errors_are_those_of_the_sdk(first: Any) -> None:
    cases = ["wrong key", "no documents", "negative top_n", "unreadable fields"]
    assert [(first[case]["raised"], first[case]["status"]) for case in cases] == [
        ("UnauthorizedError", 401),
        ("BadRequestError", 400),
        ("UnprocessableEntityError", 422),
        ("UnprocessableEntityError", 422),
    ]
    assert "documents[0] has none of the rank_fields none" in first["unreadable fields"]["message"]


@pytest.mark.parametrize("case", ["all", "priority", "asynchronous"])
def test_v2_ranks_as_the_model_in_this_process(second: Any, case: str) -> None:
    assert_ranked(second[case], ranked())


def test_v2_top_n_limits_the_results(second: Any) -> None:
    assert_ranked(second["top_n"], ranked(top_n=2))


def test_v2_max_tokens_per_doc_reads_only_the_start_of_a_document(second: Any) -> None:
    scores = dict(second["cut"])
    assert scores[3] == scores[0]  # the fourth document starts as the first one, whose tokens are five
    assert dict(ranked([*DOCUMENTS, f"{DOCUMENTS[0]} {DOCUMENTS[1]}"]))[3] > 100 * scores[3]


def test_v2_errors_are_those_of_the_sdk(second: Any) -> None:
    cases = ["wrong key", "empty query", "priority of 1000"]
    assert [(second[case]["raised"], second[case]["status"]) for case in cases] == [
        ("UnauthorizedError", 401),
        ("BadRequestError", 400),
        ("UnprocessableEntityError", 422),
    ]


def test_examples_of_the_page_print_what_they_say(second: Any) -> None:
    assert_examples(second)
