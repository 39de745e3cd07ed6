"""An engine with security: which rights each task needs, and the message without them."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from tests.engine.engines import STAGED, staged
from tests.rerank.cli.invoke import invoke

pytestmark = [pytest.mark.engine, pytest.mark.skipif(not STAGED.exists(), reason=f"needs {STAGED}")]
ADMIN = {"RESIFT_USERNAME": "elastic", "RESIFT_PASSWORD": "testkit-password"}


def admin(method: str, url: str, body: object = None) -> dict[str, Any]:
    pair = base64.b64encode(f"{ADMIN['RESIFT_USERNAME']}:{ADMIN['RESIFT_PASSWORD']}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {pair}"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, Any] = json.load(response)
        return found


@pytest.fixture(scope="module")
def secured() -> Iterator[str]:
    with staged("elasticsearch", 9361, "--security") as url:
        for name in ("articles", "private"):
            admin("PUT", f"{url}/{name}/_doc/1?refresh=true", {"title": "Soup", "text": "lentil soup"})
        yield url


def reader(url: str, **more: object) -> str:
    rights = {"reader": {"indices": [{"names": ["articles"], "privileges": ["read"]}]}}
    return str(admin("POST", f"{url}/_security/api_key", {"name": "r", "role_descriptors": rights, **more})["encoded"])


def test_a_key_that_may_only_read_one_index_is_enough_to_search_run_and_evaluate(secured: str, tmp_path: Path) -> None:
    env = {"RESIFT_API_KEY": reader(secured)}
    (tmp_path / "q.tsv").write_text("1\tsoup\n2\tlentil\n")
    (tmp_path / "qrels.tsv").write_text("1 0 1 1\n")
    found = invoke("search", f"{secured}/articles", "soup", "--json", env=env)
    assert found.code == 0, found.err
    assert [hit["doc_id"] for hit in json.loads(found.out)["hits"]] == ["1"]
    files = ["--queries", str(tmp_path / "q.tsv")]
    assert invoke("run", f"{secured}/articles", *files, "--output", str(tmp_path / "run"), env=env).code == 0
    judged = invoke("evaluate", f"{secured}/articles", *files, "--qrels", str(tmp_path / "qrels.tsv"), env=env)
    assert judged.code == 0, judged.err


def test_the_wrapper_works_with_the_same_key(secured: str) -> None:
    with Elasticsearch(secured, api_key=reader(secured)) as native:
        client = RerankingClient(native, Reranker(load_scorer("resift-small")), ["title", "text"])
        found = client.search(index="articles", query={"match": {"text": "soup"}})
    assert found.resift.status == "reranked" and found["hits"]["total"]["value"] == 1


@pytest.mark.parametrize(
    ("env", "index", "part"),
    [
        ({**ADMIN, "RESIFT_PASSWORD": "wrong-one"}, "articles", "wrong credentials (401)"),
        ({"RESIFT_API_KEY": "bm90OmFrZXk="}, "articles", "wrong credentials (401)"),
        ({}, "articles", "wrong credentials (401)"),
        ({"key": "reader"}, "private", "lacks the right to do that (403)"),
        ({"key": "expired"}, "articles", "has expired (401)"),
    ],
)
def test_a_user_without_access_gets_one_line(secured: str, env: dict[str, str], index: str, part: str) -> None:
    if env.get("key") == "reader":
        env = {"RESIFT_API_KEY": reader(secured)}
    elif env.get("key") == "expired":
        env = {"RESIFT_API_KEY": reader(secured, expiration="1ms")}
        time.sleep(0.1)
    done = invoke("search", f"{secured}/{index}", "soup", env=env)
    assert done.code == 1 and part in done.error_line
    assert len(done.err.strip().splitlines()) == 1
    assert all(secret not in done.err for name, secret in env.items() if name != "RESIFT_USERNAME")


def test_a_key_that_may_only_read_cannot_load(secured: str, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "2", "text": "x"}\n')
    source = [str(tmp_path / "c.jsonl"), "--state", str(tmp_path / "s")]
    env = {"RESIFT_API_KEY": reader(secured)}
    done = invoke("index", *source, "--to", f"{secured}/new-one", env=env)
    assert done.code == 1 and "403" in done.error_line
    done = invoke("index", *source, "--to", f"{secured}/articles", "--overwrite", env=env)
    assert done.code == 1 and "403" in done.error_line
    assert admin("GET", f"{secured}/articles/_count")["count"] == 1


def test_three_rights_are_enough_to_load_and_to_swap_an_alias(secured: str, tmp_path: Path) -> None:
    rights = {"loader": {"indices": [{"names": ["own*"], "privileges": ["create", "manage", "read"]}]}}
    key = admin("POST", f"{secured}/_security/api_key", {"name": "l", "role_descriptors": rights})["encoded"]
    (tmp_path / "c.jsonl").write_text('{"id": "2", "text": "x"}\n')
    source = [str(tmp_path / "c.jsonl"), "--state", str(tmp_path / "s"), "--to", f"{secured}/own"]
    for options in (
        [],
        ["--overwrite"],
        ["--alias", "own-live", "--keep", "0"],
        ["--alias", "own-live", "--keep", "0"],
    ):
        done = invoke("index", *source, *options, env={"RESIFT_API_KEY": str(key)})
        assert done.code == 0, done.err
    assert admin("GET", f"{secured}/own-live/_count")["count"] == 1
    assert len(admin("GET", f"{secured}/own*")) == 2  # the index, and the one behind the alias


def test_a_user_with_the_right_to_it_loads(secured: str, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "2", "text": "x"}\n')
    done = invoke(
        "index", str(tmp_path / "c.jsonl"), "--to", f"{secured}/mine", "--state", str(tmp_path / "s"), env=ADMIN
    )
    assert done.code == 0, done.err
    assert "testkit-password" not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
