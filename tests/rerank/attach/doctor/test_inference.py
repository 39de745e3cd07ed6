"""The doctor on an Elasticsearch with the inference API, by its specification: a fake engine, a service that answers."""

from __future__ import annotations

from typing import Any

import pytest

from resift.rerank.attach.doctor.examine import DoctorRequest, Report, examine
from resift.rerank.attach.doctor.finding import Row
from resift.rerank.attach.engine_requests import EngineRequests
from resift.rerank.attach.service import Service
from resift.retrieval.errors import SettingsError, StatusError
from tests.rerank.attach.doctor.fake_elasticsearch import URL, FakeElasticsearch
from tests.rerank.attach.doctor.planted import Manner, planted_service


def endpoint(service: str, url: str, task: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    return {
        "inference_id": "resift",
        "service": service,
        "service_settings": {"url": url, **settings},
        "task_settings": task or {},
    }


def report_of(engine: FakeElasticsearch, field: str = "text") -> Report:
    requests = EngineRequests(engine)  # type: ignore[arg-type]
    return examine(requests, f"{URL}/articles", DoctorRequest(field=field, model="resift-tiny"))


def row(report: Report, group: str, name: str) -> Row:
    [found] = [one for one in report.rows if (one.group, one.name) == (group, name)]
    return found


def outcomes(report: Report, outcome: str) -> set[str]:
    return {one.name for one in report.rows if one.finding.outcome == outcome}


@pytest.mark.parametrize("service", ["hugging_face", "openshift_ai", "custom"])
def test_a_healthy_endpoint_has_nothing_broken(service: str) -> None:
    array = service == "hugging_face"
    with planted_service(Manner(shape="array" if array else "results")) as url:
        path = "/rerank" if array else "/v1/rerank"
        request: dict[str, Any] = (
            {"request": '{"query": ${query}, "documents": ${input}}'} if service == "custom" else {}
        )
        report = report_of(FakeElasticsearch(endpoint(service, url + path, **request)))
    assert outcomes(report, "broken") == set() and not report.is_broken
    assert row(report, "search", "reranked").finding.outcome == "works"
    assert row(report, "settings", "licence").finding.seen == "trial"


def test_a_wrong_field_silently_gives_hits_that_were_never_reranked_and_is_found() -> None:
    with planted_service() as url:
        report = report_of(FakeElasticsearch(endpoint("openshift_ai", f"{url}/v1/rerank")), field="txet")
    assert "did you mean text?" in row(report, "mapping", "field").finding.seen
    found = row(report, "search", "reranked").finding
    assert found.outcome == "broken" and "never reranked" in found.seen and "txet" in found.remedy


@pytest.mark.parametrize(
    ("service", "path", "settings", "task", "check", "remedy"),
    [
        ("hugging_face", "/v1/rerank", {}, {}, "endpoint", "DELETE _inference/rerank/resift"),
        ("openshift_ai", "/rerank", {}, {}, "endpoint", "DELETE _inference/rerank/resift"),
        ("openshift_ai", "/v1/rerank", {}, {"top_n": 5}, "endpoint", "leave out top_n"),
        ("custom", "/v1/rerank", {"request": '{"query": "${query}"}'}, {}, "custom request", "remove the quotes"),
        ("custom", "/v1/rerank", {"request": '{"n": ${top_n}}'}, {}, "custom request", "remove ${top_n}"),
    ],
)
def test_mistakes_of_the_endpoint_are_found(
    service: str, path: str, settings: dict[str, Any], task: dict[str, Any], check: str, remedy: str
) -> None:
    with planted_service() as url:
        report = report_of(FakeElasticsearch(endpoint(service, url + path, task, **settings)))
    found = row(report, "settings", check).finding
    assert found.outcome == "broken" and remedy in found.remedy


def test_a_basic_licence_and_a_service_without_all_documents_are_found() -> None:
    with planted_service(Manner(keep=1)) as url:
        report = report_of(FakeElasticsearch(endpoint("openshift_ai", f"{url}/v1/rerank"), licence="basic"))
    assert "wrapper" in row(report, "settings", "licence").finding.remedy
    assert row(report, "call", "plain call").finding.outcome == "broken"
    assert "fewer scores" in row(report, "search", "reranked").finding.seen


def test_a_trial_licence_that_has_expired_is_found() -> None:
    with planted_service() as url:
        engine = FakeElasticsearch(endpoint("openshift_ai", f"{url}/v1/rerank"), licence_status="expired")
        found = row(report_of(engine), "settings", "licence").finding
    assert found.outcome == "broken" and "trial (expired)" in found.seen


def test_a_service_that_refuses_the_key_is_found() -> None:
    with planted_service(Manner(key="the-key")) as url:
        report = report_of(FakeElasticsearch(endpoint("openshift_ai", f"{url}/v1/rerank")))
    found = row(report, "call", "plain call").finding
    assert found.outcome == "broken" and "(401)" in found.seen and "api_key" in found.remedy
    assert row(report, "service", "answer").finding.outcome == "not checked"


def test_the_key_is_sent_only_where_the_user_or_a_record_names_the_service() -> None:
    with planted_service(Manner(key="the-key")) as url:
        engine = FakeElasticsearch(endpoint("openshift_ai", f"{url}/v1/rerank"))

        def outcome(**members: Any) -> str:
            request = DoctorRequest(field="text", key="the-key", model="none", **members)
            report = examine(EngineRequests(engine), f"{URL}/articles", request)  # type: ignore[arg-type]
            return row(report, "service", "answer").finding.outcome

        assert outcome() == "not checked"
        assert outcome(trusted=frozenset(["http://127.0.0.1:1", "https" + url[4:]])) == "not checked"
        assert outcome(trusted=frozenset([f"{url}#resift-base"])) == "works"
        assert outcome(service=Service(url, "", "the-key")) == "works"


def test_an_engine_that_dies_half_way_is_reported_with_what_was_found_before() -> None:
    with planted_service() as url:
        whole = FakeElasticsearch(endpoint("openshift_ai", f"{url}/v1/rerank"))
        complete = report_of(whole)
        report = report_of(FakeElasticsearch(endpoint("openshift_ai", f"{url}/v1/rerank"), answers_until=8))
    assert row(report, "mapping", "field").finding.outcome == "works"
    assert len([one for one in report.rows if "did not answer" in one.finding.seen]) == 1
    last = row(report, "search", "no total").finding
    assert last.outcome == "not checked" and "does not answer any more" in last.seen
    assert report.is_broken and len(report.rows) == len(complete.rows)


def test_an_endpoint_that_does_not_exist_is_refused_with_the_name_that_was_meant() -> None:
    engine = FakeElasticsearch(endpoint("custom", "http://x:1/v1/rerank"))
    with pytest.raises(SettingsError, match="did you mean resift"):
        examine(EngineRequests(engine), f"{URL}/articles", DoctorRequest(inference_id="resfit"))  # type: ignore[arg-type]


def test_what_the_user_may_not_read_is_not_checked_and_the_rest_is() -> None:
    class Guarded(FakeElasticsearch):
        def request(self, method: str, path: str, body: Any = None, params: Any = None, **others: Any) -> Any:
            if path in ("/_license", "/articles"):
                raise StatusError("this user lacks the right to do that (403)", URL, 403)
            return super().request(method, path, body, params, **others)

    with planted_service() as url:
        report = report_of(Guarded(endpoint("openshift_ai", f"{url}/v1/rerank")))
    assert outcomes(report, "broken") == set()
    assert {"licence", "source"} <= outcomes(report, "not checked")
    assert row(report, "search", "reranked").finding.outcome == "works"
