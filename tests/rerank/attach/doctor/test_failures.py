"""The causes of failed calls, by the messages that an OpenSearch 2.19.1 gave for them."""

from __future__ import annotations

from contextlib import closing

import pytest

from resift.rerank.attach.cluster_settings import TRUSTED, ClusterSettings, pattern_of
from resift.rerank.attach.doctor.cluster import Cluster, read_cluster
from resift.rerank.attach.doctor.failures import CAUSES, explain
from resift.rerank.attach.doctor.mapping import default_pipelines, without_source
from resift.rerank.attach.engine_requests import open_requests
from resift.retrieval.errors import StatusError
from tests.rerank.attach.fake_engine import OPENSEARCH_ROOT, FakeEngine, serving

CAST = "Fail to execute PREDICT in aws connector (class java.lang.{} cannot be cast to class java.lang.Double)"


@pytest.mark.parametrize(
    ("status", "message", "seen"),
    [
        (400, "Remote inference host name has private ip address: 127.0.0.1", "a private address"),
        (400, "Connector URL is not matching the trusted connector endpoint regex", "does not allow connectors"),
        (500, "Error communicating with remote model: Connection refused: /127.0.0.1:1", "nothing listens"),
        (500, "Fail to execute http connector (nosuchhost.invalid: Name or service not known)", "do not know the host"),
        (500, "Error communicating with remote model: Read timed out", "did not answer within"),
        (500, CAST.format("Integer"), "integer scores"),
        (500, CAST.format("BigDecimal").replace("lang.Big", "math.Big"), "more than 18 characters"),
        (500, "Fail to execute (Post process function input is not a List of Map.)", "post_process_function"),
        (500, "Expected to find an object with property ['results'] in path $", "post_process_function"),
        (500, "scores and hits are not the same length", "fewer scores"),
        (
            401,
            'missing credentials (401): Error from remote service: {"error":"unknown key"}',
            "key of the engine (401)",
        ),
        (404, 'Error from remote service: {"error":"no such path"}', "no such path"),
        (429, 'Error from remote service: {"error":"full"}', "overloaded"),
        (400, 'Error from remote service: {"error":"the query is empty"}', "refuses the request: the query is empty"),
        (404, "Failed to find model", "does not exist or is not deployed"),
        (400, 'Invalid payload: { "query": "["a"]" }', "not JSON"),
        (500, "Infinite loop in property interpolation of ...: documents", "a parameter of its own"),
    ],
)
def test_each_message_has_its_cause_and_a_remedy(status: int, message: str, seen: str) -> None:
    found = explain(StatusError(message, "http://e", status), {"url": "http://service:1"})
    assert found.outcome == "broken" and seen in found.seen and found.remedy
    assert "{" not in found.remedy.replace("${", "").replace('{"', "")


def test_a_right_that_the_user_lacks_is_not_taken_for_a_wrong_key_of_the_service() -> None:
    error = StatusError("no permissions for [cluster:admin/opensearch/ml/predict]", "http://e", 403)
    assert explain(error, {}).outcome == "not checked"


def test_an_unknown_message_is_shown_as_it_is() -> None:
    assert "quite new" in explain(StatusError("something quite new", "http://e", 500), {}).seen


def test_every_cause_can_be_written_without_any_fact() -> None:
    for cause in CAUSES:
        error = StatusError(cause.pattern, "http://e", cause.status or 500)
        assert explain(error, {}).seen


def test_an_address_is_trusted_only_if_a_pattern_fits_all_of_it() -> None:
    def trusts(*patterns: str) -> bool | None:
        settings = ClusterSettings({TRUSTED: list(patterns)}, {}, {})
        return Cluster(settings, None, None).trusted("http://reranker:8080/v1/rerank")

    assert trusts(pattern_of("http://reranker:8080/v1/rerank")) is True
    assert trusts("^http://reranker:8080") is False and trusts("[") is False
    assert Cluster(None, None, None).trusted("http://x") is None


def test_a_plugin_that_one_node_lacks_is_not_a_plugin_of_the_cluster() -> None:
    nodes = {
        "a": {"plugins": [{"name": "opensearch-ml"}, {"name": "opensearch-neural-search"}]},
        "b": {"plugins": [{"name": "opensearch-ml"}]},
    }
    answers = {"GET /": OPENSEARCH_ROOT, "GET /_nodes/plugins": (200, {"nodes": nodes})}
    with serving(FakeEngine(answers)) as url, closing(open_requests(url)) as requests:
        found = read_cluster(requests)
    assert found.plugins == frozenset(["opensearch-ml"])
    assert (found.settings, found.ml_node) == (None, None)


def test_sources_and_default_pipelines_are_read_from_the_index() -> None:
    index = {
        "a": {
            "mappings": {"_source": {"excludes": ["te*"]}},
            "settings": {"index": {"search": {"default_pipeline": "p"}}},
        }
    }
    assert without_source(index, ["text"]) == "the _source of a leaves out text"
    assert without_source(index, ["body"]) == ""
    assert default_pipelines(index) == {"a": "p"}
    assert default_pipelines({"a": {"settings": {"index": {"search": {"default_pipeline": "_none"}}}}}) == {}
