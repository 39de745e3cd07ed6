"""Infinity's client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.client_programs import DOCUMENTS, ClientPrograms, assert_examples, assert_ranked, ranked
from tests.rerank.service.running import Running


@pytest.fixture(scope="module")
def infinity(clients: ClientPrograms, guarded: Running) -> Any:
    return clients.run("infinity", guarded.url)


@pytest.mark.parametrize("case", ["all", "asynchronous"])
def test_ranks_as_the_model_in_this_process(infinity: Any, case: str) -> None:
    assert_ranked(infinity[case], ranked())


def test_top_n_limits_the_results(infinity: Any) -> None:
    assert_ranked(infinity["top_n"], ranked(top_n=2))


def test_raw_scores_are_logits(infinity: Any) -> None:
    assert_ranked(infinity["raw_scores"], ranked(raw=True))


def test_a_returned_document_is_an_object_although_infinity_has_a_text(infinity: Any) -> None:
    assert infinity["document"] == {"text": DOCUMENTS[1]}


def test_refusals_have_the_statuses_of_the_service(infinity: Any) -> None:
    assert (infinity["wrong key"], infinity["negative top_n"]) == (401, 422)
    assert infinity["parsed without a key"] is None
    assert infinity["class of the refusal"] == "HTTPValidationError"


def test_examples_of_the_page_print_what_they_say(infinity: Any) -> None:
    assert_examples(infinity)
