"""LiteLLM, which has a provider for each form of request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.client_programs import ClientPrograms, assert_examples, assert_ranked, ranked
from tests.rerank.service.running import Running


@pytest.fixture(scope="module")
def litellm(clients: ClientPrograms, guarded: Running) -> Any:
    return clients.run("in_litellm", guarded.url)


@pytest.mark.parametrize(
    "case",
    ["cohere", "cohere, asynchronous", "cohere, first version", "hosted_vllm", "huggingface", "jina_ai", "voyage"],
)
def test_the_best_two_are_those_of_the_model_in_this_process(litellm: Any, case: str) -> None:
    assert_ranked(litellm[case], ranked(top_n=2))


def test_its_provider_infinity_cannot_be_used_since_it_wants_texts_and_gets_objects(litellm: Any) -> None:
    assert litellm["infinity"]["raised"] == "APIConnectionError"
    assert "results.0.document.text" in litellm["infinity"]["message"]


def test_errors_are_those_of_litellm(litellm: Any) -> None:
    assert [(litellm[case]["raised"], litellm[case]["status"]) for case in ("wrong key", "empty query")] == [
        ("AuthenticationError", 401),
        ("BadRequestError", 400),
    ]


def test_examples_of_the_page_print_what_they_say(litellm: Any) -> None:
    assert_examples(litellm)
