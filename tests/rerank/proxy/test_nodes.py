"""Addresses of nodes, as the command line takes them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from resift.rerank.proxy.http.address import NodeAddress
from resift.rerank.proxy.nodes import read_nodes
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import SettingsError
from tests.rerank.service.certificates import Authority

PLAIN = ConnectionSettings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost", [("localhost", 9200, b"", b"localhost:9200")]),
        ("http://localhost/", [("localhost", 9200, b"", b"localhost:9200")]),
        (" HTTP://localhost:9201 ", [("localhost", 9201, b"", b"localhost:9201")]),
        ("http://a,b:9201,c", [("a", 9200, b"", b"a:9200"), ("b", 9201, b"", b"b:9201"), ("c", 9200, b"", b"c:9200")]),
        ("http://a:1,http://b:2", [("a", 1, b"", b"a:1"), ("b", 2, b"", b"b:2")]),
        ("http://[::1]:9200", [("::1", 9200, b"", b"[::1]:9200")]),
        ("http://gateway/elastic/", [("gateway", 9200, b"/elastic", b"gateway:9200")]),
        ("http://gateway:80/a/b%20c/", [("gateway", 80, b"/a/b%20c", b"gateway:80")]),
        ("http://bücher.example", [("xn--bcher-kva.example", 9200, b"", b"xn--bcher-kva.example:9200")]),
    ],
)
def test_addresses_are_read(text: str, expected: list[tuple[str, int, bytes, bytes]]) -> None:
    found = read_nodes(text, PLAIN)
    assert [(node.host, node.port, node.prefix, node.authority) for node in found] == expected
    assert all(node.tls is None and node.fingerprint is None for node in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not the address of an engine"),
        ("localhost:9200", "not the address of an engine"),
        ("ftp://localhost", "not the address of an engine"),
        ("http://", "not the address of an engine"),
        ("http:///a/", "not the address of an engine"),
        ("http://a?b", "not the address of an engine"),
        ("http://a#b", "not the address of an engine"),
        ("http://a,", "not a host and port"),
        ("http://a,,b", "not a host and port"),
        ("http://:9200", "not a host and port"),
        ("http://a:0", "not a host and port"),
        ("http://a:99999", "not a host and port"),
        ("http://a:b", "not a host and port"),
        ("http://a b", "not a host and port"),
        ("http://a\r\nX:1", "not a host and port"),
        ("http://a..b", "not a host and port"),
        ("http://" + "x" * 64, "not a host and port"),
        ("http://[::1", "not a host and port"),
        ("http://ann:secret@a", "user name or password"),
        ("http://a/articles", "has a path"),
        ("http://a,https://b/", "mixes http and https"),
        ("http://a/x y/", "other characters than ASCII"),
        ("http://a/x\r\nEvil: y/", "other characters than ASCII"),
        ("http://a/ä/", "other characters than ASCII"),
    ],
)
def test_what_is_not_an_address_is_refused_with_the_name_of_its_setting(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        read_nodes(text, PLAIN)
    assert raised.value.field == "to"
    assert "secret" not in str(raised.value)


def test_https_checks_certificates_and_hosts_unless_that_is_switched_off(tmp_path: Path) -> None:
    checked = tls_of(read_nodes("https://a,b", PLAIN))
    assert [(one.verify_mode, one.check_hostname) for one in checked] == [(ssl.CERT_REQUIRED, True)] * 2
    trusted = ConnectionSettings(ca_certs=str(Authority(tmp_path, "own").path))
    assert len(tls_of(read_nodes("https://a", trusted))[0].get_ca_certs()) == 1
    unchecked = tls_of(read_nodes("https://a", ConnectionSettings(verify_certs=False)))
    assert unchecked[0].verify_mode == ssl.CERT_NONE


def tls_of(nodes: list[NodeAddress]) -> list[ssl.SSLContext]:
    found = [node.tls for node in nodes if node.tls is not None]
    assert len(found) == len(nodes) and {node.port for node in nodes} == {443}
    return found


@pytest.mark.parametrize("text", ["ab" * 32, "AB" * 32, ":".join(["ab"] * 32)])
def test_a_fingerprint_may_have_colons_and_either_case(text: str) -> None:
    assert read_nodes("https://a", ConnectionSettings(fingerprint=text))[0].fingerprint == b"\xab" * 32


@pytest.mark.parametrize("text", ["ab", "xy" * 32, "ab" * 33, "::", "ab" * 20])
def test_what_is_not_a_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="64 hexadecimal digits") as raised:
        read_nodes("https://a", ConnectionSettings(fingerprint=text))
    assert raised.value.field == "fingerprint"


def test_a_fingerprint_of_a_plain_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="https"):
        read_nodes("http://a", ConnectionSettings(fingerprint="ab" * 32))


def test_files_that_are_no_certificates_are_refused_by_name(tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    certificate, key = Authority(tmp_path, "own").client()
    _, other_key = Authority(tmp_path, "other").client()
    for settings, named in [
        (ConnectionSettings(ca_certs=str(tmp_path / "missing.pem")), "missing.pem is not a file"),
        (ConnectionSettings(ca_certs=str(text)), "text.pem"),
        (ConnectionSettings(ca_certs=str(tmp_path)), "is not a file"),
        (ConnectionSettings(client_cert=str(text), client_key=str(key)), "text.pem"),
        (ConnectionSettings(client_cert=str(certificate), client_key=str(other_key)), "other.client.key.pem"),
    ]:
        with pytest.raises(SettingsError, match="expected PEM") as raised:
            read_nodes("https://a", settings)
        assert named in str(raised.value)
