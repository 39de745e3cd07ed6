"""Haystack's rankers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.client_programs import ClientPrograms, assert_examples, assert_ranked, ranked
from tests.rerank.service.running import Running


@pytest.fixture(scope="module")
def haystack(clients: ClientPrograms, guarded: Running) -> Any:
    return clients.run("in_haystack", guarded.url)


@pytest.mark.parametrize("way", ["", ", asynchronous"])
@pytest.mark.parametrize("name", ["cohere", "jina", "tei"])
def test_the_best_two_are_those_of_the_model_in_this_process(haystack: Any, name: str, way: str) -> None:
    assert_ranked(haystack[f"{name}{way}"], ranked(top_n=2))


def test_tei_raw_scores_are_logits(haystack: Any) -> None:
    assert_ranked(haystack["tei, raw scores"], ranked(top_n=2, raw=True))


@pytest.mark.parametrize(
    ("name", "raised"), [("cohere", "UnauthorizedError"), ("jina", "RuntimeError"), ("tei", "RuntimeError")]
)
def test_a_wrong_key_raises_an_error_that_says_so(haystack: Any, name: str, raised: str) -> None:
    assert haystack[f"{name}, wrong key"]["raised"] == raised
    assert "the key is missing or wrong" in haystack[f"{name}, wrong key"]["message"]


def test_examples_of_the_page_print_what_they_say(haystack: Any) -> None:
    assert_examples(haystack)
