"""Elasticsearch and OpenSearch behind one face; but for `client_errors` nothing else imports the two clients.

Which client talks to what: Elasticsearch 8 and 9 by `elasticsearch` 8.x (plain JSON, which both read), OpenSearch 1 to
3 and Elasticsearch 7, whose product check the newer client refuses, by `opensearchpy`. The clients bring pools,
TLS, authentication and the switch to another node where one is dead; retries with back-off are made here.
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
from resift.retrieval.engine.client_errors import CLIENT_ERRORS, UnknownProductError, explained
from resift.retrieval.engine.credentials import Credentials, read_credentials
from resift.retrieval.engine.retry import Retry
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import SettingsError, StatusError

ELASTICSEARCH, OPENSEARCH = "elasticsearch", "opensearch"
_POOL = 16  # connections to a node
_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Engine:
    """A connection to one engine; safe to share between threads.

    `client`: the native client. `flavour`: elasticsearch or opensearch. `version`: as the engine gives it, empty where
    it may not be asked. `notes`: what the user should know of the connection.
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
        retries: int | None = None,
        timeout: float | None = None,
    ) -> Any:  # noqa: ANN401 - whatever JSON the engine answers
        """Return the JSON that the engine answers; bytes as `body` are JSON lines, all else is JSON.

        429, 502, 503, 504 and lost connections are tried again, `retries` times (as set if not given), with waits that
        double and vary. Raises StatusError.
        """
        attempts = 1 + (self.settings.max_retries if retries is None else retries)
        seconds = timeout or self.settings.request_timeout
        return Retry(attempts=attempts).call(lambda: self._once(method, path, body, dict(params or {}), seconds))

    def _once(self, method: str, path: str, body: object, params: dict[str, Any], timeout: float) -> Any:  # noqa: ANN401
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
            raise explained(error, self.url, self.secrets) from None
        if method != "HEAD" and not isinstance(answer, dict | list):
            raise StatusError("the answer is not JSON; is this an engine, or something in front of it?", self.url, 200)
        return answer

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()


def connect(
    address: Address | str, settings: ConnectionSettings | None = None, ask: Callable[[str], str] | None = None
) -> Engine:
    """Connect to the engine at `address`, a URL with or without an index, and find out which it is.

    `ask` is called for the password where the settings say so. Raises SettingsError on settings that do not go
    together, and StatusError where the engine cannot be reached or does not let us in.
    """
    address = read_address(address, index_needed=False) if isinstance(address, str) else address
    settings = settings or ConnectionSettings()
    credentials = read_credentials(settings.credentials, ask if settings.ask_password else None)
    _check(address, settings, credentials)
    url = ",".join(address.hosts) or "the cloud"
    flavour, version = settings.flavour, ""
    if settings.aws_region:
        flavour = OPENSEARCH
    if not address.hosts:
        flavour = ELASTICSEARCH
    if flavour == "auto":
        flavour, version = _ask(_elasticsearch(address, settings, credentials), url, credentials.secrets, settings)
    old = flavour == ELASTICSEARCH and version.startswith(("6.", "7."))
    make = _opensearch if flavour == OPENSEARCH or old else _elasticsearch
    notes = _notes(address, settings, credentials)
    return Engine(make(address, settings, credentials), flavour, version, url, settings, credentials.secrets, notes)


def _check(address: Address, settings: ConnectionSettings, credentials: Credentials) -> None:
    if not address.hosts and not settings.cloud_id:
        raise SettingsError("an index cloud:NAME needs --cloud-id, or RESIFT_CLOUD_ID", "cloud_id")
    if settings.fingerprint and not all(host.startswith("https:") for host in address.hosts):
        raise SettingsError("a fingerprint is checked on https:// only", "fingerprint")
    if settings.aws_region and credentials.secrets:
        raise SettingsError("requests are signed for AWS or carry credentials of ours, not both", "aws_region")


def _notes(address: Address, settings: ConnectionSettings, credentials: Credentials) -> tuple[str, ...]:
    private = ("https:", "http://127.", "http://localhost:", "http://[::1]:")
    notes = []
    if credentials.secrets and not all(host.startswith(private) for host in address.hosts):
        notes.append("note: credentials go over http:// in the clear; use https://")
    if not settings.verify_certs:
        notes.append("note: the engine's certificate is not checked (--no-verify-certs)")
    return tuple(notes)


def _ask(client: Any, url: str, secrets: tuple[str, ...], settings: ConnectionSettings) -> tuple[str, str]:  # noqa: ANN401
    """Return the flavour and the version that the engine tells of itself."""
    engine = Engine(client, "", "", url, settings, secrets)
    try:
        body = engine.request("GET", "/")
    except UnknownProductError as found:
        body = found.body
    except StatusError as error:
        if error.status == 404:
            raise StatusError("is no Elasticsearch or OpenSearch (404 on GET /)", url, 404) from None
        if error.status != 403:
            raise
        if error.product == ELASTICSEARCH:
            return ELASTICSEARCH, ""
        raise StatusError(
            "this user may not ask which engine it is (403 on GET /); say --flavour elasticsearch or opensearch",
            url,
            403,
        ) from None
    finally:
        client.close()
    version = body.get("version") if isinstance(body, dict) else None
    if not isinstance(version, dict) or "number" not in version:
        raise StatusError("is no Elasticsearch or OpenSearch: GET / names no version", url, 200)
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
    with _bad_files(settings):
        return elasticsearch.Elasticsearch(
            list(address.hosts) or None,
            request_timeout=settings.request_timeout,
            connections_per_node=_POOL,
            max_retries=max(0, len(address.hosts) - 1),  # another node at once; waits are ours
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
    with _bad_files(settings):
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
        raise SettingsError("signing for AWS needs boto3; install resift[aws]", "aws_region") from None
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise SettingsError("boto3 finds no AWS credentials; set AWS_ACCESS_KEY_ID or AWS_PROFILE", "aws_region")
    return opensearchpy.Urllib3AWSV4SignerAuth(credentials, settings.aws_region, settings.aws_service)


@contextmanager
def _bad_files(settings: ConnectionSettings) -> Iterator[None]:
    """Explain what the clients say of certificates that they cannot read."""
    names = [name for name in (settings.ca_certs, settings.client_cert, settings.client_key) if name]
    missing = next((name for name in names if not os.path.isfile(name)), None)
    if missing:
        raise SettingsError(f"{missing} is no file; expected a certificate or key in PEM", "ca_certs")
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"{', '.join(names) or 'a setting'} cannot be used: {error}", "connection") from None
    except ValueError:  # its text might show a secret
        message = "a setting cannot be used by the engine's client; look at hosts and names"
        raise SettingsError(message, "connection") from None
