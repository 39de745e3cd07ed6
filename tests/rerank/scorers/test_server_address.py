"""The address of a model on a server: what is read from it, and that no message shows a secret in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.scorers.server_address import DIALECTS, ServerAddress, is_address, read_address
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost:8080", ServerAddress(None, "http://localhost:8080")),
        ("HTTP://GPU:80/", ServerAddress(None, "http://gpu:80")),
        ("http://[::1]:8080/a", ServerAddress(None, "http://[::1]:8080/a")),
        ("tei+http://gpu/rerank", ServerAddress("tei", "http://gpu", "/rerank")),
        ("http://gpu/models/v1/rerank/", ServerAddress(None, "http://gpu/models", "/v1/rerank")),
        ("http://gpu/score", ServerAddress(None, "http://gpu", "/score")),
        ("https://api.jina.ai#m0", ServerAddress("jina", "https://api.jina.ai", "", "m0")),
        ("https://api.voyageai.com#rerank-2.5", ServerAddress("voyage", "https://api.voyageai.com", "", "rerank-2.5")),
        ("https://api.cohere.com#a", ServerAddress("cohere", "https://api.cohere.com", "", "a")),
        ("https://api.cohere.com/v1/rerank", ServerAddress("cohere-v1", "https://api.cohere.com", "/v1/rerank")),
        ("cohere+https://proxy/x#org/m", ServerAddress("cohere", "https://proxy/x", "", "org/m")),
    ],
)
def test_an_address_has_a_dialect_a_base_a_route_and_a_model(text: str, expected: ServerAddress) -> None:
    assert is_address(text)
    assert read_address(text) == expected


@pytest.mark.parametrize("name", ["default", "org/name@main", "./http", "C:\\models\\x", "ftp://host/x", "", "none"])
def test_other_names_of_models_are_no_addresses(name: str) -> None:
    assert not is_address(name)
    with pytest.raises(SettingsError, match=r"^model: .* is not the address of a server; expected"):
        read_address(name)


@pytest.mark.parametrize(
    "text",
    ["http://", "http://:80", "http://a b", "http://a:x", "http://a:70000", "http://a:0", "http://a\\b", "http://[z"],
)
def test_an_address_without_a_host_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is not the address of a server; expected"):
        read_address(text)


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=f"'coher' is not a dialect; did you mean cohere.*{', '.join(DIALECTS)}"):
        read_address("coher+https://host")


@pytest.mark.parametrize("text", ["https://me:pa55@host", "https://pa55@host", "tei+http://host/x?key=pa55#m"])
def test_a_secret_in_an_address_is_refused_by_the_settings_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="RESIFT_MODEL_API_KEY") as caught:
        ScorerSettings(model=text)
    assert "pa55" not in str(caught.value) and caught.value.field == "model"


@given(st.text(), st.sampled_from(["http://", "https://", "tei+http://", "https://user:pa55@", "http://h?pa55="]))
def test_any_text_is_an_address_or_refused_on_one_line_without_its_secret(text: str, start: str) -> None:
    try:
        found = read_address(start + text)
    except SettingsError as error:
        assert len(str(error).splitlines()) == 1
        assert "pa55" not in str(error) or "pa55" in text
    else:
        assert found.host and "@" not in found.base and "?" not in found.base and "pa55" not in found.base + text
