"""HTTPS with certificates of one's own, and callers who need one."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.rerank.service.certificates import Authority
from tests.rerank.service.running import WAIT, Running, running_service
from tests.rerank.service.test_keys import FIRST, refused


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("own"), "own")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture(scope="module")
def secured(authority: Authority) -> Iterator[Running]:
    """A service by HTTPS, for callers with any certificate or none."""
    with running_service("--model", "resift-tiny", *tls(*authority.server())) as found:
        yield found


@pytest.fixture(scope="module")
def mutual(authority: Authority) -> Iterator[Running]:
    """A service for callers who have a certificate of the authority."""
    options = tls(*authority.server("mutual"))
    with running_service("--model", "resift-tiny", *options, "--tls-client-ca", str(authority.path)) as found:
        yield found


def tls(certificate: Path, key: Path | None = None) -> list[str]:
    return ["--tls-cert", str(certificate), *([] if key is None else ["--tls-key", str(key)])]


def status(service: Running, context: ssl.SSLContext) -> int:
    """Return the status of a good request. Raises what httpx raises if there is none."""
    with httpx.Client(verify=context, timeout=WAIT) as client:
        return client.post(f"{service.url}/score", json={"text_1": "a", "text_2": "b"}).status_code


def serial(service: Running) -> str:
    """Return the certificate that the service shows."""
    host, port = service.url.removeprefix("https://").split(":")
    return ssl.get_server_certificate((host, int(port)), timeout=WAIT)


def test_a_caller_who_trusts_the_authority_is_served_by_https(secured: Running, authority: Authority) -> None:
    assert secured.url.startswith("https://127.0.0.1:")
    assert status(secured, authority.context()) == 200


def test_a_caller_who_does_not_trust_the_authority_breaks_off(secured: Running, stranger: Authority) -> None:
    for context in (stranger.context(), ssl.create_default_context()):
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            status(secured, context)


def test_plain_http_and_old_protocols_are_not_answered_and_others_are_served(
    secured: Running, authority: Authority
) -> None:
    port = int(secured.url.rsplit(":", 1)[1])
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/health", timeout=WAIT)
    for data in (b"", b"\x16\x03\x01", b"\x16\x03\x01\xff\xff" + b"\x00" * 500, b"\x80" * 1000):
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
            connection.sendall(data)
    old = authority.context()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of versions as old as these
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        status(secured, old)
    assert status(secured, authority.context()) == 200
    assert not [line for line in secured.lines if line["level"] == "error"] and not secured.plain


def test_one_file_may_have_the_certificate_and_its_key(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.server("both")
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    with running_service("--model", "resift-tiny", *tls(both)) as service:
        assert status(service, authority.context()) == 200


def test_keys_are_needed_by_https_too(authority: Authority) -> None:
    options = tls(*authority.server("keys"))
    with running_service("--model", "resift-tiny", *options, environment={"RESIFT_SERVICE_KEYS": FIRST}) as service:
        with httpx.Client(verify=authority.context(), timeout=WAIT) as client:
            assert client.get(f"{service.url}/info").status_code == 401
            assert client.get(f"{service.url}/info", headers={"Authorization": f"Bearer {FIRST}"}).status_code == 200


def test_an_expired_certificate_ends_the_start(authority: Authority) -> None:
    message = refused(*tls(*authority.server("expired", expired=True)))
    assert "expired" in message and ".cert.pem" in message


def test_a_key_that_does_not_fit_the_certificate_ends_the_start(authority: Authority) -> None:
    certificate, _ = authority.server("one")
    _, key = authority.server("two")
    assert "cannot be used" in refused(*tls(certificate, key))


def test_files_that_are_no_certificates_end_the_start(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.server("good")
    text = tmp_path / "text.pem"
    text.write_text("no certificate\n", encoding="utf-8")
    wrong = [
        tls(text, key),
        tls(certificate, text),
        tls(certificate),
        tls(tmp_path / "none", key),
        tls(certificate, tmp_path),
        [*tls(certificate, key), "--tls-client-ca", str(text)],
        [*tls(certificate, key), "--tls-client-ca", str(tmp_path / "none")],
    ]
    for options in wrong:
        assert "cannot be used" in refused(*options), options


def test_a_key_with_a_password_ends_the_start_instead_of_asking_for_it(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.server("locked")
    locked = tmp_path / "locked.pem"
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which would lock the key, is not installed")
    command = ["openssl", "pkey", "-aes256", "-passout", "pass:secret", "-in", str(key), "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    assert "without a password" in refused(*tls(certificate, locked))


def test_a_part_of_the_options_of_https_ends_the_start(authority: Authority) -> None:
    _, key = authority.server("part")
    assert "needs its certificate" in refused("--tls-key", str(key))
    assert "need HTTPS" in refused("--tls-client-ca", str(authority.path))


def test_a_caller_with_a_certificate_of_the_authority_is_served(mutual: Running, authority: Authority) -> None:
    assert status(mutual, authority.context(authority.client())) == 200


@pytest.mark.parametrize("shown", ["none", "of another authority", "expired"])
def test_a_caller_without_a_proper_certificate_is_refused_and_others_are_served(
    mutual: Running, authority: Authority, stranger: Authority, shown: str
) -> None:
    context = {
        "none": lambda: authority.context(),
        "of another authority": lambda: authority.context(stranger.client()),
        "expired": lambda: authority.context(authority.client("expired", expired=True)),
    }[shown]()
    with pytest.raises(httpx.TransportError):
        status(mutual, context)
    assert status(mutual, authority.context(authority.client())) == 200
    assert not [line for line in mutual.lines if line["level"] == "error"] and not mutual.plain


def test_sighup_exchanges_the_certificate_and_a_bad_one_changes_nothing(authority: Authority, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def put(files: tuple[Path, Path]) -> str:
        for source, target in zip(files, (certificate, key), strict=True):
            shutil.copyfile(source, target)
        return certificate.read_text(encoding="ascii")

    put(authority.server("before"))
    with running_service("--model", "resift-tiny", *tls(certificate, key)) as service:
        before = serial(service)
        put(authority.server("after"))
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("reloaded")
        after = serial(service)
        assert after != before
        put(authority.server("late", expired=True))
        service.process.send_signal(signal.SIGHUP)
        assert "expired" in service.wait_for("reload failed")["error"]
        assert serial(service) == after
        shutil.copyfile(authority.server("other")[1], key)
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("reload failed", 2)
        assert serial(service) == after
        assert status(service, authority.context()) == 200
