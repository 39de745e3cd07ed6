"""A user sees through the proxy what the engine lets that user see, also when another's ranking is remembered."""

from __future__ import annotations

import base64
import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from elasticsearch import AuthenticationException, AuthorizationException, Elasticsearch

from tests.engine.engines import STAGED, staged
from tests.engine.proxying import PATIENT, Answer, RunningProxy, advice_index, ask, running_proxy

GIVEN = os.environ.get("RESIFT_TEST_ELASTICSEARCH_SECURED")
"""The URL of an engine with security that runs, with the user of `ADMIN`."""

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not (GIVEN or STAGED.exists()), reason=f"needs {STAGED}"),
]

Headers = Mapping[str, str]
BODY: dict[str, Any] = {"query": {"match": {"text": "how do I clean the oven"}}, "size": 10}


def basic(user: str, password: str = "testkit-password") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


ADMIN = basic("elastic")
NOBODY: Headers = {}


@dataclass(frozen=True)
class Cluster:
    """A secured engine with two indices, an alias with a filter, and a proxy before it."""

    url: str
    proxy: RunningProxy
    public: str
    secret: str
    alias: str

    def admin(self, method: str, path: str, body: object = None) -> Any:
        found = ask(self.url, method, path, body, ADMIN)
        assert found.status in (200, 201), found
        return found.json()

    def key(self, *indices: str, name: str = "k") -> dict[str, str]:
        """Return the header of an API key that may read `indices` alone."""
        rights = {"r": {"indices": [{"names": list(indices), "privileges": ["read"]}]}}
        made = self.admin("POST", "/_security/api_key", {"name": name, "role_descriptors": rights})
        return {"Authorization": f"ApiKey {made['encoded']}"}

    def user(self, *indices: str) -> dict[str, str]:
        """Return the header of a new user who may read `indices` alone."""
        name = f"u{uuid.uuid4().hex[:8]}"
        self.admin("PUT", f"/_security/role/{name}", {"indices": [{"names": list(indices), "privileges": ["read"]}]})
        self.admin("PUT", f"/_security/user/{name}", {"password": "testkit-password", "roles": [name]})
        return basic(name)

    def both(self, headers: Headers, target: str, body: object = BODY) -> tuple[Answer, Answer]:
        """Return the response of the engine itself, and the one through the proxy."""
        return ask(self.url, "POST", target, body, headers), ask(self.proxy.url, "POST", target, body, headers)


@pytest.fixture(scope="module")
def secured() -> Iterator[str]:
    if GIVEN:
        yield GIVEN
    else:
        with staged("elasticsearch", 9365, "--security") as url:
            yield url


@pytest.fixture(scope="module")
def cluster(secured: str) -> Iterator[Cluster]:
    mark = uuid.uuid4().hex[:8]
    with (
        running_proxy(secured, "--index", "docs-*", *PATIENT) as proxy,
        advice_index(secured, f"docs-{mark}-public", ADMIN) as public,
        advice_index(secured, f"docs-{mark}-secret", ADMIN) as secret,
    ):
        found = Cluster(secured, proxy, public, secret, f"docs-{mark}-only-a")
        add = {"index": secret, "alias": found.alias, "filter": {"term": {"kind": "a"}}}
        found.admin("POST", "/_aliases", {"actions": [{"add": add}]})
        yield found


def keys(answer: Answer) -> list[tuple[str, str]]:
    return [(hit["_index"], hit["_id"]) for hit in answer.json()["hits"]["hits"]]


def test_users_of_different_rights_see_their_own_documents_one_after_the_other(cluster: Cluster) -> None:
    target = f"/{cluster.public.replace('public', '*')}/_search"
    everything, part = cluster.user(cluster.public, cluster.secret), cluster.user(cluster.public)
    for headers in (everything, part, everything, part):
        for start in (0, 10, 95):
            direct, got = cluster.both(headers, target, {**BODY, "from": start, "size": 300 - start})
            assert got.treatment == "reranked"
            assert set(keys(cluster.both(headers, target, {**BODY, "size": 300})[1])) >= set(keys(got))
            assert got.json()["hits"]["total"] == direct.json()["hits"]["total"]
            seen = {index for index, _ in keys(got)}
            assert seen == ({cluster.public, cluster.secret} if headers is everything else {cluster.public})


def test_users_of_different_rights_see_their_own_documents_at_the_same_time(cluster: Cluster) -> None:
    target = f"/{cluster.public.replace('public', '*')}/_search"
    users = [cluster.key(cluster.public), cluster.key(cluster.secret), cluster.key(cluster.alias), ADMIN]
    pages = [(headers, start) for headers in users for start in (0, 10, 20, 90)]
    expected = {}
    for place, (headers, start) in enumerate(pages):
        expected[place] = cluster.both(headers, target, {**BODY, "from": start, "size": 10})

    def asked(number: int) -> bool:
        headers, start = pages[number % len(pages)]
        got = ask(cluster.proxy.url, "POST", target, {**BODY, "from": start, "size": 10}, headers)
        before = expected[number % len(pages)][1]
        return (got.treatment, keys(got), got.json()["hits"]["total"]) == (
            before.treatment,
            keys(before),
            before.json()["hits"]["total"],
        )

    with ThreadPoolExecutor(8) as crowd:
        assert all(crowd.map(asked, range(6 * len(pages))))
    for direct, got in expected.values():
        assert got.treatment == "reranked"
        assert got.json()["hits"]["total"] == direct.json()["hits"]["total"]
    names = [
        {index for _, got in list(expected.values())[4 * n : 4 * n + 4] for index, _ in keys(got)} for n in range(4)
    ]
    assert (
        names[0] == {cluster.public} and names[1] == {cluster.secret} and names[3] == {cluster.public, cluster.secret}
    )


def test_an_alias_with_a_filter_shows_no_more_than_its_documents(cluster: Cluster) -> None:
    whole, part = ADMIN, cluster.user(cluster.alias)
    assert ask(cluster.proxy.url, "POST", f"/{cluster.secret}/_search", BODY, whole).treatment == "reranked"
    for start in (0, 10, 20):
        direct, got = cluster.both(part, f"/{cluster.alias}/_search", {**BODY, "from": start})
        assert got.treatment == "reranked" and got.json()["hits"]["total"] == direct.json()["hits"]["total"]
        assert {hit["_source"]["kind"] for hit in got.json()["hits"]["hits"]} == {"a"}
    direct, got = cluster.both(part, f"/{cluster.secret}/_search")
    assert direct.status == 403 and got.comparable() == direct.comparable()


@pytest.mark.parametrize("start", [0, 10])
@pytest.mark.parametrize(
    "who", ["nobody", "wrong password", "no such key", "user without rights", "key without rights"]
)
def test_wrong_credentials_get_the_engines_own_error_also_when_the_ranking_is_remembered(
    cluster: Cluster, who: str, start: int
) -> None:
    headers = {
        "nobody": NOBODY,
        "wrong password": basic("elastic", "wrong"),
        "no such key": {"Authorization": "ApiKey bm90OmFrZXk="},
        "user without rights": cluster.user("another"),
        "key without rights": cluster.key(cluster.public),
    }[who]
    target, body = f"/{cluster.secret}/_search", {**BODY, "from": start}
    assert ask(cluster.proxy.url, "POST", target, body, ADMIN).treatment == "reranked"
    for _ in range(2):
        direct, got = cluster.both(headers, target, body)
        assert direct.status == (403 if "rights" in who else 401)
        assert got.comparable() == direct.comparable()
        assert got.header("www-authenticate") == direct.header("www-authenticate")
    line = b'{"index": "' + cluster.secret.encode() + b'"}\n{"query": {"match": {"text": "oven"}}}\n'
    direct, got = cluster.both(headers, "/_msearch", line)
    assert got.comparable() == direct.comparable()


def test_a_key_that_is_withdrawn_between_two_pages_gets_no_second_page(cluster: Cluster) -> None:
    name = f"key-{uuid.uuid4().hex[:8]}"
    headers, target = cluster.key(cluster.public, name=name), f"/{cluster.public}/_search"
    assert ask(cluster.proxy.url, "POST", target, BODY, headers).treatment == "reranked"
    cluster.admin("DELETE", "/_security/api_key", {"name": name})
    for start in (0, 10):
        direct, got = cluster.both(headers, target, {**BODY, "from": start})
        assert direct.status == 401 and got.comparable() == direct.comparable()


def test_rights_that_are_taken_away_between_two_pages_count_at_once(cluster: Cluster) -> None:
    headers, both = cluster.user(cluster.public, cluster.secret), f"/{cluster.public},{cluster.secret}/_search"
    assert ask(cluster.proxy.url, "POST", both, BODY, headers).treatment == "reranked"
    name = base64.b64decode(headers["Authorization"].split()[1]).decode().split(":")[0]
    cluster.admin("PUT", f"/_security/role/{name}", {"indices": [{"names": [cluster.public], "privileges": ["read"]}]})
    direct, got = cluster.both(headers, both, {**BODY, "from": 10})
    assert direct.status == 403 and got.comparable() == direct.comparable()


def test_a_user_in_the_name_of_another_sees_what_the_other_sees(cluster: Cluster) -> None:
    part = cluster.user(cluster.public)
    name = base64.b64decode(part["Authorization"].split()[1]).decode().split(":")[0]
    target = f"/{cluster.public.replace('public', '*')}/_search"
    assert {index for index, _ in keys(cluster.both(ADMIN, target)[1])} == {cluster.public, cluster.secret}
    direct, got = cluster.both({**ADMIN, "es-security-runas-user": name}, target)
    assert got.treatment == "reranked" and {index for index, _ in keys(got)} == {cluster.public}
    assert got.json()["hits"]["total"] == direct.json()["hits"]["total"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_security/_authenticate"),
        ("GET", "/_security/user/_privileges"),
        ("GET", "/_security/user/elastic"),
        ("GET", "/_security/role/superuser"),
        ("GET", "/_security/privilege/_builtin"),
        ("GET", "/_security/api_key?owner=true&name=none"),
        ("GET", "/_security/role/not-there"),
        ("GET", "/_xpack/usage?filter_path=security.enabled"),
        ("GET", "/_license?filter_path=license.type"),
        ("POST", "/_security/role/r/_clear_cache"),
    ],
)
def test_requests_about_security_are_answered_as_by_the_engine(cluster: Cluster, method: str, path: str) -> None:
    for headers in (ADMIN, cluster.key(cluster.public), basic("elastic", "wrong"), NOBODY):
        direct, got = (ask(url, method, path, None, headers) for url in (cluster.url, cluster.proxy.url))
        assert got.comparable() == direct.comparable()


def test_the_official_client_searches_by_a_key_and_reports_wrong_ones(cluster: Cluster) -> None:
    key = cluster.key(cluster.public)["Authorization"].split()[1]
    query: dict[str, Any] = {"match": {"text": "how do I clean the oven"}}
    with Elasticsearch(cluster.proxy.url, api_key=key) as client:
        found = client.search(index=cluster.public, query=query)
        assert found.meta.headers["x-resift"] == "reranked" and found["hits"]["hits"][0]["_id"] == "d0"
        with pytest.raises(AuthorizationException):
            client.search(index=cluster.secret, query=query)
    with Elasticsearch(cluster.proxy.url, api_key="bm90OmFrZXk=") as client, pytest.raises(AuthenticationException):
        client.search(index=cluster.public, query=query)


def test_the_key_of_a_caller_is_in_no_line_of_the_log(cluster: Cluster) -> None:
    key = cluster.key(cluster.public)
    ask(cluster.proxy.url, "POST", f"/{cluster.public}/_search", BODY, key)
    threading.Event().wait(0.2)  # the log is read by a thread
    assert all(key["Authorization"].split()[1] not in line for line in cluster.proxy.lines)
