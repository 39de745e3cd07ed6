"""LlamaIndex's postprocessors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.clients.client_programs import ClientPrograms, assert_examples, assert_ranked, ranked
from tests.rerank.service.running import Running


@pytest.fixture(scope="module")
def llama_index(clients: ClientPrograms, guarded: Running) -> Any:
    return replace(clients, older=("cohere", "voyageai")).run("in_llama_index", guarded.url)


@pytest.mark.parametrize("way", ["", ", asynchronous"])
@pytest.mark.parametrize("name", ["cohere", "jina", "tei", "voyage"])
def test_the_best_two_are_those_of_the_model_in_this_process(llama_index: Any, name: str, way: str) -> None:
    assert_ranked(llama_index[f"{name}{way}"], ranked(top_n=2))


@pytest.mark.parametrize(("name", "raised"), [("cohere", "UnauthorizedError"), ("voyage", "AuthenticationError")])
def test_a_wrong_key_raises_the_error_of_the_sdk(llama_index: Any, name: str, raised: str) -> None:
    assert (llama_index[f"{name}, wrong key"]["raised"], llama_index[f"{name}, wrong key"]["status"]) == (raised, 401)


def test_jina_with_a_wrong_key_raises_an_error_that_says_so(llama_index: Any) -> None:
    assert llama_index["jina, wrong key"]["raised"] == "RuntimeError"
    assert "the key is missing or wrong" in llama_index["jina, wrong key"]["message"]


def test_tei_with_a_wrong_key_raises_an_error_without_the_reason(llama_index: Any) -> None:
    assert llama_index["tei, wrong key"]["raised"] == "AssertionError"  # it does not look at the status


def test_examples_of_the_page_print_what_they_say(llama_index: Any) -> None:
    assert_examples(llama_index)
