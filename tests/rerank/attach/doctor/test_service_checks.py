"""The doctor's checks of a service that it calls itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from resift.rerank.attach.doctor.case import PAIR, Case, Subject
from resift.rerank.attach.doctor.direct import Direct, Reply
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


@pytest.mark.parametrize(("check", "size"), [(check_speed, "100"), (check_many, "1,000")])
def test_documents_that_were_not_scored_within_the_deadline_are_a_warning(check: Look, size: str) -> None:
    result = found(check, Manner(scored=12), timeout=60.0)
    assert result.outcome == "warning" and f"only 12 of {size} documents were scored" in result.seen
    assert "a smaller size" in result.remedy and "smaller model" in result.remedy and "timeout_ms" in result.remedy
    assert found(check, Manner(scored=1000), timeout=60.0).outcome == "works"


def test_each_run_sends_texts_that_no_cache_has() -> None:
    class Listening(Direct):
        def send(self, method: str, url: str, body: Any = None) -> Reply:
            texts.extend(body["documents"])
            return super().send(method, url, body)

    texts: list[str] = []
    with planted_service() as url:
        for check in (check_speed, check_many, check_speed, check_many):
            case = case_of("")
            case.service = Listening(f"{url}/v1/rerank")
            assert check(case).outcome == "works"
    sent = [text for text in texts if text not in PAIR[1]]
    assert len(sent) == len(set(sent)) == 2 * (100 + 1000)


def test_a_key_that_is_not_sent_is_reported_with_the_way_to_send_it() -> None:
    with planted_service(Manner(key="right")) as url:
        case = case_of(f"{url}/v1/rerank")
        case.service = Direct(f"{url}/v1/rerank", withheld=True)
        result = check_answers(case)
    assert result.outcome == "not checked" and "yours was not sent" in result.seen
    assert f"`service` ({url})" in result.remedy and "`record`" in result.remedy
    with planted_service() as url:
        case = case_of("")
        case.service = Direct(f"{url}/v1/rerank", withheld=True)
        assert "your key was not sent" in check_answers(case).seen


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
