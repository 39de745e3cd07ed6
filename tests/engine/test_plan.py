"""`resift plan` on real engines of both flavours."""

from __future__ import annotations

import json

import pytest

from tests.engine.searching import Fill
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine

DOCUMENTS: dict[str, dict[str, object]] = {
    "1": {"title": "Soup", "text": "Simmer the lentils with cumin until they are soft.", "url": "http://a/1"},
    "2": {"title": "Bread", "text": "Knead the flour with water and let it rest for an hour.", "url": "http://a/2"},
}


def test_a_plan_is_made_with_and_without_an_index(engine: str, filled: Fill, name: str) -> None:
    target = filled(DOCUMENTS)
    for url, index in ((engine, None), (target, name)):
        found = json.loads(invoke("plan", url, "--json").out)
        assert found["cluster"]["flavour"] in ("elasticsearch", "opensearch") and found["cluster"]["unknown"] == []
        assert (found["index"] or {}).get("name") == index
        assert {found["recommended"]["name"], *(one["name"] for one in found["alternatives"])} == {
            "hook",
            "proxy",
            "wrapper",
        }
    assert (found["index"]["field"], found["index"]["read"]) == ("text", ["title", "text"])
    assert "url" not in found["index"]["searched"] and found["index"]["language"] == "english"
    noted = any("the engine sends one field to the model, text, and not title" in note for note in found["notes"])
    hook = next(one for one in (found["recommended"], *found["alternatives"]) if one["name"] == "hook")
    assert noted is (hook["fits"] is not False)  # it is a note on the hook
    assert "['title', 'text']" in invoke("plan", target).out


def test_a_plan_of_an_index_that_does_not_exist_is_an_error(engine: str, name: str) -> None:
    done = invoke("plan", f"{engine}/{name}")
    assert done.code == 1 and name in done.error_line


def test_a_basic_licence_gets_the_proxy(engine: str) -> None:
    found = json.loads(invoke("plan", engine, "--json").out)
    if found["cluster"]["flavour"] == "opensearch" or found["cluster"]["licence"] != "basic":
        pytest.skip("not an Elasticsearch with a Basic licence")
    assert found["recommended"]["name"] == "proxy"
    attached = invoke("attach", engine, "--service", "http://a:1", "--source-text", "text", "--dry-run")
    assert attached.code == 1 and "the licence is basic" in attached.error_line
