"""Voyage's SDK in its newest version, and in the one to which LlamaIndex's integration is bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.clients.client_programs import DOCUMENTS, ClientPrograms, assert_examples, assert_ranked, ranked
from tests.rerank.service.running import Running


@pytest.fixture(scope="module", params=[(), ("voyageai",)], ids=["newest", "older"])
def versions(request: pytest.FixtureRequest, clients: ClientPrograms) -> ClientPrograms:
    return replace(clients, older=request.param)


@pytest.fixture(scope="module")
def voyage(versions: ClientPrograms, guarded: Running) -> Any:
    return versions.run("voyage", guarded.url)


@pytest.mark.parametrize("case", ["top_k", "asynchronous"])
def test_top_k_limits_the_results(voyage: Any, case: str) -> None:
    assert_ranked(voyage[case], ranked(top_n=2))


def test_texts_are_those_of_the_results(voyage: Any) -> None:
    assert voyage["texts"] == [DOCUMENTS[index] for index, _ in ranked(top_n=2)]


def test_tokens_that_the_model_read_are_counted(voyage: Any) -> None:
    assert voyage["tokens"] > 6


def test_without_top_k_every_document_is_ranked(voyage: Any) -> None:
    assert_ranked(voyage["all"], ranked())


def test_errors_are_those_of_the_sdk(voyage: Any) -> None:
    cases = ["wrong key", "empty query", "negative top_k"]
    assert [(voyage[case]["raised"], voyage[case]["status"]) for case in cases] == [
        ("AuthenticationError", 401),
        ("InvalidRequestError", 400),
        ("MalformedRequestError", 422),
    ]


def test_examples_of_the_page_print_what_they_say(voyage: Any) -> None:
    assert_examples(voyage)
