"""Calls to text-embeddings-inference, with the HTTP client of huggingface_hub."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.client_programs import DOCUMENTS, ClientPrograms, assert_examples, assert_ranked, ranked
from tests.rerank.service.running import Running


@pytest.fixture(scope="module")
def tei(clients: ClientPrograms, guarded: Running) -> Any:
    return clients.run("tei", guarded.url)


def test_huggingface_hub_has_no_method_of_its_own(tei: Any) -> None:
    assert tei["methods"] == []


def test_ranks_as_the_model_in_this_process(tei: Any) -> None:
    assert_ranked(tei["all"], ranked())


def test_raw_scores_are_logits(tei: Any) -> None:
    assert_ranked(tei["raw_scores"], ranked(raw=True))


def test_return_text_gives_the_texts_in_the_order_of_the_results(tei: Any) -> None:
    assert tei["texts"] == [DOCUMENTS[index] for index, _ in ranked()]


def test_the_service_is_a_reranker_and_healthy(tei: Any) -> None:
    assert (tei["types"], tei["health"]) == (["reranker"], 200)


def test_refusals_have_the_statuses_and_types_of_errors_of_tei(tei: Any) -> None:
    assert tei["wrong key"] == [401, "Unauthorized"]
    assert tei["no texts"] == [400, "Empty"]
    assert tei["left"] == [422, "Validation"]


def test_examples_of_the_page_print_what_they_say(tei: Any) -> None:
    assert_examples(tei)
