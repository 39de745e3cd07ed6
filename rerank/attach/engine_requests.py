"""Raw requests to one engine, for the parts that plan, attach, check and detach a service."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import ELASTICSEARCH, OPENSEARCH, Engine, connect
from resift.retrieval.engine.client_errors import REFUSED_STATUSES
from resift.retrieval.engine.retry import once
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import StatusError

__all__ = ["ELASTICSEARCH", "OPENSEARCH", "Answer", "EngineRequests", "open_requests"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a read request returned.

    `body`: the JSON, None if the engine refused the request; `status`: then its HTTP status, and `reason` its message.
    """

    body: Any = None
    status: int = 200
    reason: str = ""

    @property
    def known(self) -> bool:
        """True if the engine answered."""
        return self.body is not None


@dataclass(frozen=True, slots=True)
class EngineRequests:
    """Requests to one engine; safe to share between threads."""

    engine: Engine

    @property
    def flavour(self) -> str:
        """The engine's kind: elasticsearch or opensearch."""
        return self.engine.flavour

    @property
    def version(self) -> str:
        """The version as the engine reports it, "" if the user may not read it."""
        return self.engine.version

    @property
    def release(self) -> tuple[int, int]:
        """The first two numbers of the version; (0, 0) if it is not known.

        >>> from types import SimpleNamespace
        >>> EngineRequests(SimpleNamespace(version="8.19.0-SNAPSHOT")).release
        (8, 19)
        """
        found = re.match(r"(\d+)\.(\d+)", self.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    @property
    def url(self) -> str:
        """The engine's address as it is shown in messages."""
        return self.engine.url

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Any:  # noqa: ANN401 - any JSON
        """Send a request and return the JSON of the response; `path` has no slash at its beginning, or one.

        Reads and searches are retried as the connection's settings say, changes are sent once. `timeout` is in seconds.
        Raises StatusError, whose `status` is that of HTTP, 0 if there was no answer.
        """
        reads = method in ("GET", "HEAD") or path.endswith(("/_search", "/_msearch"))
        retry = None if reads else once()
        return self.engine.request(method, "/" + path.lstrip("/"), body, params, retry=retry, timeout=timeout)

    def find(self, path: str, params: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Return the response to a GET request, None if there is no such object (404). Raises StatusError."""
        try:
            return self.send("GET", path, params=params)
        except StatusError as error:
            if error.status == 404:
                return None
            raise

    def read(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Return the response to a GET request, or why the engine refused it: no right, or no such path.

        Raises StatusError if it does not answer at all, or rejects the credentials.
        """
        try:
            return Answer(self.send("GET", path, params=params))
        except StatusError as error:
            if error.status not in (*REFUSED_STATUSES, 500):  # 500: a distribution without that part
                raise
            return Answer(None, error.status, str(error))

    def close(self) -> None:
        """Close all connections."""
        self.engine.close()


def open_requests(
    address: Address | str,
    settings: ConnectionSettings | None = None,
    ask: Callable[[str], str] | None = None,
    secrets: tuple[str, ...] = (),
) -> EngineRequests:
    """Connect to the engine at `address`, with or without an index; `secrets` are further texts that are never shown.

    Raises SettingsError if settings contradict each other, and StatusError if the engine cannot be reached or denies
    access.
    """
    return with_secrets(connect(address, settings, ask), secrets)


def with_secrets(engine: Engine, secrets: tuple[str, ...]) -> EngineRequests:
    """Return the requests to a connected engine; no message shows one of `secrets`."""
    return EngineRequests(dataclasses.replace(engine, secrets=(*engine.secrets, *(one for one in secrets if one))))
