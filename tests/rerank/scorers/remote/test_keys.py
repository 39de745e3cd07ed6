"""Where the key of a server comes from, and that a vendor's own goes to this vendor alone."""

from __future__ import annotations

import pytest

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.remote.keys import VENDOR_VARIABLES, Key, find_key
from resift.rerank.scorers.remote.scorer import RemoteScorer
from resift.rerank.scorers.server_address import VENDORS
from resift.retrieval.errors import SettingsError
from tests.rerank.scorers.remote.servers import resift_routes, serving


def test_every_host_of_a_vendor_has_variables() -> None:
    assert set(VENDOR_VARIABLES) == set(VENDORS)


def test_a_vendors_host_gets_the_key_of_the_vendors_variable_and_else_that_of_any_server() -> None:
    both = {"CO_API_KEY": "vendor", "RESIFT_MODEL_API_KEY": "any"}
    assert find_key("api.cohere.com", both) == Key("vendor", "CO_API_KEY")
    assert find_key("api.cohere.com", {"COHERE_API_KEY": " vendor\n"}) == Key("vendor", "COHERE_API_KEY")
    assert find_key("api.jina.ai", both) == Key("any", "RESIFT_MODEL_API_KEY")


def test_a_vendors_key_goes_to_no_other_host() -> None:
    vendors = {"CO_API_KEY": "a", "COHERE_API_KEY": "b", "JINA_API_KEY": "c", "VOYAGE_API_KEY": "d"}
    for host in ("localhost", "api.cohere.com.example.org", "cohere.com"):
        assert find_key(host, vendors) == Key("", "RESIFT_MODEL_API_KEY")
    assert find_key("api.voyageai.com", {}).source == "VOYAGE_API_KEY or RESIFT_MODEL_API_KEY"


@pytest.mark.parametrize("value", ["sec\nret", "sec ret", "secrét", "sec\x00ret"])
def test_a_key_that_a_header_cannot_hold_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(SettingsError, match="^RESIFT_MODEL_API_KEY: contains characters") as caught:
        find_key("localhost", {"RESIFT_MODEL_API_KEY": value})
    assert value not in str(caught.value)


def test_a_key_is_sent_as_a_bearer_token_and_never_shown(local: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_MODEL_API_KEY", "sec-ret-123")
    with serving(resift_routes(local)) as server:
        scorer = load_scorer(server.url)
        scorer.score([("cat", "dog")])
        RemoteScorer(server.url, api_key="other")
    assert [seen.headers.get("authorization") for seen in server.seen] == ["Bearer sec-ret-123"] * 2 + ["Bearer other"]
    assert "sec-ret" not in repr(scorer) + repr(vars(scorer)) + repr(Key("sec-ret-123", "X")) + str(scorer)


def test_without_a_key_there_is_no_header(local: Predictor) -> None:
    with serving(resift_routes(local)) as server:
        load_scorer(server.url)
    assert "authorization" not in server.seen[0].headers and server.seen[0].headers["user-agent"] == "resift"
