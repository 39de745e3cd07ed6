"""The doctor's checks of a service that it calls itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resift.rerank.attach.doctor.case import Case, Subject
from resift.rerank.attach.doctor.direct import Direct
from resift.rerank.attach.doctor.finding import Finding
from resift.rerank.attach.doctor.service_checks import (
    check_all_documents,
    check_answers,
    check_many,
    check_order_free,
    check_scores,
    check_speed,
    check_tricky,
)
from resift.rerank.attach.engine_requests import EngineRequests
from resift.retrieval.engine.address import read_address
from tests.rerank.attach.doctor.fake_elasticsearch import URL, FakeElasticsearch
from tests.rerank.attach.doctor.planted import Manner, planted_service

Look = Callable[[Case], Finding]


def case_of(url: str, key: str = "", timeout: float | None = None) -> Case:
    requests = EngineRequests(FakeElasticsearch({}))  # type: ignore[arg-type]
    types = {"text": {"text"}, "title": {"text"}}
    made = Case(
        Subject(requests, read_address(f"{URL}/articles"), types, {}), ["text"], Direct(url, key, timeout=5.0), ()
    )
    made.timeout = timeout
    return made


def found(check: Look, manner: Manner, key: str = "", timeout: float | None = None) -> Finding:
    with planted_service(manner) as url:
        return check(case_of(f"{url}/v1/rerank", key, timeout))


@pytest.mark.parametrize(
    "check", [check_answers, check_all_documents, check_scores, check_order_free, check_speed, check_many, check_tricky]
)
def test_a_good_service_works(check: Look) -> None:
    assert found(check, Manner(key="k" * 16), "k" * 16, timeout=60.0).outcome == "works"


@pytest.mark.parametrize(
    ("check", "manner", "part"),
    [
        (check_order_free, Manner(by_place=True), '"index" must be the place'),
        (check_scores, Manner(score="{:.0f}"), "with a point"),
        (check_scores, Manner(score="{:.18f}"), "18 characters"),
        (check_all_documents, Manner(keep=50), "every document"),
        (check_all_documents, Manner(most=32), "limit of documents"),
    ],
)
def test_a_mistake_of_the_service_is_broken_and_has_its_remedy(check: Look, manner: Manner, part: str) -> None:
    result = found(check, manner)
    assert result.outcome == "broken" and part in result.remedy


def test_a_service_that_takes_fewer_than_1000_documents_is_a_warning() -> None:
    assert found(check_many, Manner(most=500)).outcome == "warning"


def test_scores_of_18_characters_are_read_and_of_19_are_not() -> None:
    assert found(check_scores, Manner(score="{:.16f}")).outcome == "works"
    assert found(check_scores, Manner(score="{:.17f}")).outcome == "broken"


@pytest.mark.parametrize(("key", "said"), [("", "without a key"), ("wrong", "RESIFT_MODEL_API_KEY")])
def test_a_service_that_refuses_this_machine_is_not_checked_further(key: str, said: str) -> None:
    result = found(check_answers, Manner(key="right"), key)
    assert result.outcome == "not checked" and said in result.seen
    assert "right" not in result.seen and (not key or key not in result.seen)
    assert found(check_scores, Manner(key="right"), key).outcome == "not checked"


def test_a_service_that_is_not_there_or_no_reranker_is_named() -> None:
    nowhere = check_answers(case_of("http://127.0.0.1:1/v1/rerank"))
    assert nowhere.outcome == "warning" and "nothing listens" in nowhere.seen
    assert check_scores(case_of("http://127.0.0.1:1/v1/rerank")).outcome == "not checked"
    with planted_service(Manner(score='"x"')) as url:
        assert check_scores(case_of(f"{url}/v1/rerank")).outcome == "not checked"


def test_a_service_slower_than_the_limit_is_broken_and_not_asked_again() -> None:
    assert found(check_speed, Manner(seconds=0.2), timeout=0.1).outcome == "broken"
    assert found(check_many, Manner(seconds=0.2), timeout=0.1).outcome == "not checked"
