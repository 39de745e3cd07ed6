"""Connections to Elasticsearch and OpenSearch; only this file and `client_errors` import their two clients.

Elasticsearch 8 and 9 are reached with `elasticsearch` 8.x (plain JSON, which both accept). OpenSearch 1 to 3, and
Elasticsearch 7, which the newer client rejects in its product check, are reached with `opensearchpy`. The clients
provide connection pools, TLS, authentication and failover to another node; retries are in `retry`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import elasticsearch
import opensearchpy

from resift.retrieval.engine.address import Address, read_address
from resift.retrieval.engine.client_errors import CLIENT_ERRORS, NOT_JSON, UnknownProductError, translate
from resift.retrieval.engine.credentials import Credentials, read_credentials
from resift.retrieval.engine.retry import Retry
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import SettingsError, StatusError
from resift.retrieval.extras import install_line

ELASTICSEARCH, OPENSEARCH = "elasticsearch", "opensearch"
_POOL = 16  # connections to a node
_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Engine:
    """A connection to one engine; safe to share between threads.

    `client`: the native client. `flavour`: elasticsearch or opensearch. `version`: as the engine reports it, empty if
    the user may not read it. `secrets`: texts that no message may contain. `notes`: warnings for the user.
    """

    client: Any
    flavour: str
    version: str
    url: str
    settings: ConnectionSettings
    secrets: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        *,
        retry: Retry | None = None,
        timeout: float | None = None,
    ) -> Any:  # noqa: ANN401 - any JSON
        """Send a request and return the JSON of the response; a `body` of bytes is sent as JSON lines, others as JSON.

        429, 502, 503, 504 and lost connections are retried by `retry`, which is `self.retry()` if None. `timeout` is in
        seconds (`request_timeout` if None). Raises StatusError, and UnknownProductError if the Elasticsearch client
        reaches another product.
        """
        seconds = timeout or self.settings.request_timeout
        return (retry or self.retry()).call(lambda: self._send(method, path, body, dict(params or {}), seconds))

    def retry(self) -> Retry:
        """Return a new Retry with the attempts that the settings allow: one, and up to `max_retries` more."""
        return Retry(attempts=1 + self.settings.max_retries)

    def _send(self, method: str, path: str, body: object, params: dict[str, Any], timeout: float) -> Any:  # noqa: ANN401
        headers = _LINES if isinstance(body, bytes) else _JSON
        try:
            if isinstance(self.client, elasticsearch.Elasticsearch):
                client = self.client.options(request_timeout=timeout)
                answer = client.perform_request(method, path, params=params, headers=headers, body=body).body
            else:
                if body is None:
                    headers = {"accept": "application/json"}
                params["request_timeout"] = timeout
                answer = self.client.transport.perform_request(method, path, params=params, headers=headers, body=body)
        except CLIENT_ERRORS as error:
            raise translate(error, self.url, self.secrets) from None
        if method != "HEAD" and not isinstance(answer, dict | list):
            raise StatusError(NOT_JSON, self.url, 200)
        return answer

    def close(self) -> None:
        """Close all connections."""
        self.client.close()


def connect(
    address: Address | str, settings: ConnectionSettings | None = None, ask: Callable[[str], str] | None = None
) -> Engine:
    """Connect to the engine at `address`, a URL with or without an index, and detect its flavour and version.

    `ask` maps a prompt to the password that the user types; it is called if the settings request it. Raises
    SettingsError if settings contradict each other, and StatusError if the engine cannot be reached or denies access.
    """
    address = read_address(address, index_needed=False) if isinstance(address, str) else address
    settings = settings or ConnectionSettings()
    credentials = read_credentials(settings.credentials, ask if settings.ask_password else None)
    _check(address, settings, credentials)
    url = ",".join(address.hosts) or str(address)
    flavour, version = settings.flavour, ""
    if settings.aws_region:
        flavour = OPENSEARCH
    if not address.hosts:
        flavour = ELASTICSEARCH
    if flavour == "auto":
        flavour, version = _detect(_elasticsearch(address, settings, credentials), url, credentials.secrets, settings)
    old = flavour == ELASTICSEARCH and version.startswith(("6.", "7."))
    make = _opensearch if flavour == OPENSEARCH or old else _elasticsearch
    notes = _notes(address, settings, credentials)
    return Engine(make(address, settings, credentials), flavour, version, url, settings, credentials.secrets, notes)


def _check(address: Address, settings: ConnectionSettings, credentials: Credentials) -> None:
    if not address.hosts and not settings.cloud_id:
        raise SettingsError("the address cloud:NAME needs a Cloud ID; set `cloud_id` or RESIFT_CLOUD_ID", "cloud_id")
    if settings.fingerprint and not all(host.startswith("https:") for host in address.hosts):
        raise SettingsError(
            "a fingerprint is only checked on https:// addresses; use https://, or leave out `fingerprint`",
            "fingerprint",
        )
    if settings.aws_region and credentials.secrets:
        raise SettingsError("AWS signing and other credentials are both set; expected one of them", "aws_region")


def _notes(address: Address, settings: ConnectionSettings, credentials: Credentials) -> tuple[str, ...]:
    private = ("https:", "http://127.", "http://localhost:", "http://[::1]:")
    notes = []
    if credentials.secrets and not all(host.startswith(private) for host in address.hosts):
        notes.append("note: credentials are sent unencrypted over http://; use https://")
    if not settings.verify_certs:
        notes.append("note: the engine's certificate is not verified (`verify_certs` is off)")
    return tuple(notes)


def _detect(client: Any, url: str, secrets: tuple[str, ...], settings: ConnectionSettings) -> tuple[str, str]:  # noqa: ANN401
    """Return the flavour and the version that the engine reports at GET /."""
    engine = Engine(client, "", "", url, settings, secrets)
    try:
        body = engine.request("GET", "/")
    except UnknownProductError as found:
        body = found.body
    except StatusError as error:
        if error.status == 404:
            raise StatusError(
                "this is not Elasticsearch or OpenSearch (404 on GET /); check the address", url, 404
            ) from None
        if error.status != 403:
            raise
        if error.product == ELASTICSEARCH:
            return ELASTICSEARCH, ""
        raise StatusError(
            "this user may not read which engine it is (403 on GET /); give `flavour` elasticsearch, or opensearch",
            url,
            403,
        ) from None
    finally:
        client.close()
    version = body.get("version") if isinstance(body, dict) else None
    if not isinstance(version, dict) or "number" not in version:
        raise StatusError(
            "this is not Elasticsearch or OpenSearch: GET / reports no version; check the address", url, 200
        )
    distribution = version.get("distribution", ELASTICSEARCH)
    return (OPENSEARCH if distribution == OPENSEARCH else ELASTICSEARCH), str(version["number"])


def _elasticsearch(address: Address, settings: ConnectionSettings, credentials: Credentials) -> Any:  # noqa: ANN401
    given: dict[str, Any] = {
        "ca_certs": settings.ca_certs,
        "client_cert": settings.client_cert,
        "client_key": settings.client_key,
        "ssl_assert_fingerprint": settings.fingerprint,
        "headers": credentials.headers or None,
    }
    options = {name: value for name, value in given.items() if value is not None}
    if settings.cloud_id and not address.hosts:
        options["cloud_id"] = settings.cloud_id
    elif any(host.startswith("https:") for host in address.hosts):
        options |= {"verify_certs": settings.verify_certs and not settings.fingerprint, "ssl_show_warn": False}
    with _certificate_errors(settings):
        return elasticsearch.Elasticsearch(
            list(address.hosts) or None,
            request_timeout=settings.request_timeout,
            connections_per_node=_POOL,
            max_retries=max(
                0, len(address.hosts) - 1
            ),  # failover to another node at once; `retry` waits between retries
            retry_on_status=(),
            retry_on_timeout=False,
            **options,
        )


def _opensearch(address: Address, settings: ConnectionSettings, credentials: Credentials) -> Any:  # noqa: ANN401
    options: dict[str, Any] = {"headers": credentials.headers} if credentials.secrets else {}
    if settings.aws_region:
        options["http_auth"] = _aws(settings)
    if any(host.startswith("https:") for host in address.hosts):
        options |= {
            "ca_certs": settings.ca_certs,
            "client_cert": settings.client_cert,
            "client_key": settings.client_key,
            "ssl_assert_fingerprint": settings.fingerprint,
            "verify_certs": settings.verify_certs and not settings.fingerprint,
            "ssl_show_warn": False,
        }
    with _certificate_errors(settings):
        return opensearchpy.OpenSearch(
            list(address.hosts),
            timeout=settings.request_timeout,
            pool_maxsize=_POOL,
            max_retries=max(0, len(address.hosts) - 1),
            retry_on_status=(),
            retry_on_timeout=False,
            **options,
        )


def _aws(settings: ConnectionSettings) -> Any:  # noqa: ANN401
    try:
        import boto3
    except ImportError:
        raise SettingsError(
            f"AWS signing needs boto3, which is not installed: {install_line('aws')}", "aws_region"
        ) from None
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise SettingsError("boto3 does not find AWS credentials; set AWS_ACCESS_KEY_ID or AWS_PROFILE", "aws_region")
    return opensearchpy.Urllib3AWSV4SignerAuth(credentials, settings.aws_region, settings.aws_service)


@contextmanager
def _certificate_errors(settings: ConnectionSettings) -> Iterator[None]:
    """Raise SettingsError for certificate files that are missing, or that the clients cannot read."""
    given = {setting: getattr(settings, setting) for setting in ("ca_certs", "client_cert", "client_key")}
    files = {setting: name for setting, name in given.items() if name}
    for setting, name in files.items():
        if not os.path.isfile(name):
            raise SettingsError(f"{name} is not a file; expected a certificate or key in PEM format", setting)
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        names = ", ".join(files.values()) or "a setting"
        raise SettingsError(f"{names} cannot be used: {error}", "connection") from None
    except ValueError:  # its text might show a secret
        message = "the engine's client rejects a setting; check the hosts and the files"
        raise SettingsError(message, "connection") from None
