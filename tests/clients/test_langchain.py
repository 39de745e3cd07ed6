"""LangChain's compressors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.clients.client_programs import ClientPrograms, assert_examples, assert_ranked, ranked
from tests.rerank.service.running import Running


@pytest.fixture(scope="module")
def langchain(clients: ClientPrograms, guarded: Running) -> Any:
    return replace(clients, older=("cohere",)).run("in_langchain", guarded.url)


@pytest.mark.parametrize(
    "case", ["cohere", "cohere, asynchronous", "voyage", "voyage, asynchronous", "jina", "infinity"]
)
def test_the_best_two_are_those_of_the_model_in_this_process(langchain: Any, case: str) -> None:
    assert_ranked(langchain[case], ranked(top_n=2))


def test_cohere_takes_objects_and_a_limit_of_tokens(langchain: Any) -> None:
    assert langchain["cohere, objects"] == 2


def test_voyage_without_top_k_ranks_every_document(langchain: Any) -> None:
    assert_ranked(langchain["voyage, all"], ranked())


@pytest.mark.parametrize(("case", "raised"), [("cohere", "UnauthorizedError"), ("voyage", "AuthenticationError")])
def test_a_wrong_key_raises_the_error_of_the_sdk(langchain: Any, case: str, raised: str) -> None:
    assert (langchain[f"{case}, wrong key"]["raised"], langchain[f"{case}, wrong key"]["status"]) == (raised, 401)


def test_jina_with_a_wrong_key_raises_an_error_that_says_so(langchain: Any) -> None:
    assert langchain["jina, wrong key"]["raised"] == "RuntimeError"
    assert "the key is missing or wrong" in langchain["jina, wrong key"]["message"]


def test_infinity_with_a_wrong_key_raises_an_error_without_the_reason(langchain: Any) -> None:
    assert (
        langchain["infinity, wrong key"]["raised"] == "TypeError"
    )  # it takes the reply that it did not get for a list


def test_examples_of_the_page_print_what_they_say(langchain: Any) -> None:
    assert_examples(langchain)
