"""Connecting over TLS: server certificates are verified, and client certificates sent."""

from __future__ import annotations

import hashlib
import json
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import connect
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import SettingsError, StatusError
from tests.retrieval.engine.serving import ELASTIC, INFO, serving

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl, which creates the certificates")


def test_a_certificate_is_checked_against_its_authority_or_fingerprint(tmp_path: Path) -> None:
    pem = tmp_path / "both.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run(
        [*make, "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "c.pem")], check=True, capture_output=True
    )
    pem.write_text((tmp_path / "key.pem").read_text() + (tmp_path / "c.pem").read_text())
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "c.pem").read_text())
    right, wrong = hashlib.sha256(der).hexdigest(), "0" * 64

    for engine, headers in (("elasticsearch 8", ELASTIC), ("opensearch 2", {})):
        with serving(200, json.dumps(INFO[engine]).encode(), headers, certificate=pem) as (url, _):
            address = read_address(f"{url.replace('127.0.0.1', 'localhost')}/i")
            flavour = engine.split()[0]

            def attempt(**options: Any) -> str:
                given = ConnectionSettings(max_retries=0, flavour=flavour, **options)  # noqa: B023
                found = connect(address, given)  # noqa: B023
                try:
                    found.request("GET", "/x")
                finally:
                    found.close()
                return found.flavour

            with pytest.raises(StatusError, match="is not trusted.*`ca_certs`"):
                attempt()
            with pytest.raises(StatusError, match="a different fingerprint"):
                attempt(fingerprint=wrong)
            with pytest.raises(SettingsError, match="not a file"):
                attempt(ca_certs="nowhere.pem")
            for good in ({"ca_certs": str(tmp_path / "c.pem")}, {"fingerprint": right}, {"verify_certs": False}):
                assert attempt(**good) == flavour


@pytest.mark.parametrize("flavour", ["elasticsearch", "opensearch"])
def test_a_client_certificate_is_sent(tmp_path: Path, flavour: str) -> None:
    for name in ("server", "mine"):
        subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.pem")]
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
        subprocess.run(make, check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_text((tmp_path / "server.key").read_text() + (tmp_path / "server.pem").read_text())
    body = json.dumps(INFO[f"{flavour} {8 if flavour == 'elasticsearch' else 2}"]).encode()
    headers = ELASTIC if flavour == "elasticsearch" else {}
    with serving(200, body, headers, certificate=both, trusted=tmp_path / "mine.pem") as (url, _):
        address = read_address(f"{url.replace('127.0.0.1', 'localhost')}/i")
        given: dict[str, Any] = {"flavour": flavour, "max_retries": 0, "ca_certs": str(tmp_path / "server.pem")}
        mine: dict[str, Any] = {"client_cert": str(tmp_path / "mine.pem"), "client_key": str(tmp_path / "mine.key")}
        found = connect(address, ConnectionSettings(**given, **mine))
        assert found.request("GET", "/x")["version"]
        found.close()
        with pytest.raises(StatusError, match="certificate"):
            connect(address, ConnectionSettings(**given)).request("GET", "/x")
