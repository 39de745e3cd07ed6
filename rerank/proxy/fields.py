"""Choose the fields of an index that the model reads, by its mapping as the caller may see it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from urllib.parse import urlencode

from resift.rerank.proxy.http.engine import Engine
from resift.rerank.proxy.http.messages import RequestHead
from resift.rerank.proxy.http.relay import EngineFailureError, fetch
from resift.rerank.proxy.pages import identity
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine as EngineConnection
from resift.retrieval.engine.field_types import field_types
from resift.retrieval.engine.fields import find_fields
from resift.retrieval.engine.sample import choose_fields
from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings
from resift.retrieval.errors import EngineError, ResiftError, StatusError

_MOST, _SECONDS = 10_000, 300.0
_FAILED_SECONDS = 10.0
_OF_THE_BODY = (b"content-type", b"content-length", b"content-encoding", b"transfer-encoding", b"accept")
_NOT_SENT = (*_OF_THE_BODY, b"accept-encoding", b"expect", b"connection")


class FieldChooser:
    """Finds and remembers the fields of each index, for each caller; used by the event loop."""

    def __init__(self, engine: Engine, languages: Sequence[str] = (), settings: EngineSettings | None = None) -> None:
        """Ask `engine`; of fields in several languages, those in one of `languages` are preferred."""
        self._engine, self._languages, self._settings = engine, tuple(languages), settings or EngineSettings()
        self._known: OrderedDict[tuple[str, bytes], tuple[float, tuple[str, ...] | ResiftError]] = OrderedDict()
        self._asking: dict[tuple[str, bytes], asyncio.Task[tuple[str, ...]]] = {}
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="resift-fields")

    async def fields(self, index: str, headers: Sequence[tuple[bytes, bytes]]) -> tuple[str, ...]:
        """Return the names of the fields of `index` that the model reads, the title first if there is one.

        The request is made with the caller's `headers`, and its answer is used for this caller alone. Raises
        ResiftError if the fields cannot be found.
        """
        key = (index, identity(headers))
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic():
            if isinstance(known[1], ResiftError):
                raise known[1]
            return known[1]
        if key not in self._asking:
            kept = [pair for pair in headers if pair[0].lower() not in _NOT_SENT]
            self._asking[key] = task = asyncio.create_task(self._find(key, kept))
            task.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(self._asking[key])

    def _asked(self, key: tuple[str, bytes], task: asyncio.Task[tuple[str, ...]]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # so that it counts as seen if nobody waits any more

    def forget(self) -> None:
        """Ask again from now on."""
        self._known.clear()

    async def _find(self, key: tuple[str, bytes], headers: list[tuple[bytes, bytes]]) -> tuple[str, ...]:
        request = _Requests(self._engine, headers, asyncio.get_running_loop())
        try:
            loop = asyncio.get_running_loop()
            found: tuple[str, ...] | ResiftError = await loop.run_in_executor(
                self._threads, self._choose, request, key[0]
            )
        except ResiftError as error:
            found = error
        except Exception as error:  # a reply that is not an engine's
            found = EngineError(f"{type(error).__name__} while reading them", _Requests.url)
        until = time.monotonic() + (_FAILED_SECONDS if isinstance(found, ResiftError) else _SECONDS)
        self._known[key] = (until, found)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        if isinstance(found, ResiftError):
            raise found
        return found

    def _choose(self, requests: _Requests, index: str) -> tuple[str, ...]:
        address = Address(("the engine",), index)
        engine = cast(EngineConnection, requests)  # it makes requests as that does
        types = field_types(engine, address)
        choice = choose_fields(engine, address, types, self._settings, self._languages)
        fields = find_fields(types, address, self._settings, (), choice)
        return tuple(dict.fromkeys([*([fields.title] if fields.title else []), *fields.text]))


class _Requests:
    """Makes the requests of the choice from another thread, with the caller's headers."""

    url = "the engine"
    settings = ConnectionSettings()

    def __init__(self, engine: Engine, headers: list[tuple[bytes, bytes]], loop: asyncio.AbstractEventLoop) -> None:
        self._engine, self._headers, self._loop = engine, headers, loop

    def request(
        self, method: str, path: str, body: object = None, params: Mapping[str, Any] | None = None, **_: object
    ) -> Any:  # noqa: ANN401 - any JSON
        """Send a request, and return its JSON. Raises StatusError, and EngineError if the engine does not respond."""
        target = path + (f"?{urlencode(params)}" if params else "")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = b"application/x-ndjson" if isinstance(body, bytes) else b"application/json"
        headers = [*self._headers, (b"Content-Type", kind), (b"Accept", b"application/json")]
        call = fetch(self._engine, RequestHead(method.encode(), target.encode(), headers), data, own=True)
        try:
            fetched = asyncio.run_coroutine_threadsafe(call, self._loop).result(30.0)
        except (EngineFailureError, TimeoutError) as error:
            raise EngineError(str(error) or "the engine did not respond in time", self.url) from None
        if fetched.head.status >= 400:
            raise StatusError(f"status {fetched.head.status}", self.url, fetched.head.status)
        return json.loads(fetched.body)
