"""Drive the steps of requests with httpx, in threads or asynchronously; only this file imports httpx."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from resift.rerank.scorers.remote.exchange import Ask, Pause, Reply, Steps, T, UnreachableError
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line
from resift.retrieval.text import error_line

if TYPE_CHECKING:
    import httpx

AT_ONCE = 4
"""How many requests of one call are made at the same time."""
CONNECT_SECONDS = 5.0
MOST_BYTES = 64 * 2**20
"""The largest reply that is read: a thousand scores are below 100 kB."""


class Transport:
    """Connections to one server, which threads share; a forked process opens its own."""

    def __init__(self, headers: Mapping[str, str], seconds: float, name: str) -> None:
        """Send `headers` with each request, which has `seconds` for its reply; `name` is the model's in messages.

        Raises ModelError if httpx is not installed, and SettingsError if the file of trusted certificates is unusable.
        """
        try:
            import httpx
        except ImportError:
            raise ModelError(f"a model on a server needs httpx: {install_line('remote')}", name) from None
        self._httpx = httpx
        self._seconds = seconds
        common = {"accept": "application/json", "content-type": "application/json", "user-agent": "resift"}
        common["accept-encoding"] = "identity"  # so that the size of a reply is known before it is unpacked
        self._options: dict[str, Any] = {
            "headers": {**common, **headers},
            "timeout": httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            "verify": trusted_certificates(httpx.create_ssl_context),
            "follow_redirects": False,  # the key would follow
        }
        self._clients: dict[int, httpx.Client] = {}  # by process id: sockets must not be shared after a fork

    def close(self) -> None:
        """Close the connections of this process; a later request opens new ones."""
        client = self._clients.pop(os.getpid(), None)
        if client is not None:
            client.close()

    def run(self, steps: Steps[T], stop: threading.Event | None = None) -> T:
        """Run the steps of one request in this thread, and return what they return; setting `stop` ends their waits."""
        result, error = None, None
        while True:
            try:
                step = steps.send(result) if error is None else steps.throw(error)
            except StopIteration as end:
                found: T = end.value
                return found
            result, error = None, None
            try:
                if isinstance(step, Ask):
                    result = self._send(step)
                elif (stop or threading.Event()).wait(step.seconds):
                    raise UnreachableError("stopped, because another request failed", transient=False)
            except UnreachableError as raised:
                error = raised

    def run_all(self, jobs: Sequence[Steps[T]], done: Callable[[int], None]) -> list[T]:
        """Run several requests, at most `AT_ONCE` at a time, and return what each returns, in their order.

        `done` is called in this thread with the index of each that is finished. The first failure ends all.
        """
        if len(jobs) == 1:
            found = [self.run(jobs[0])]
            done(0)
            return found
        stop = threading.Event()
        pool = ThreadPoolExecutor(AT_ONCE, "resift-remote")
        futures = {pool.submit(self.run, job, stop): index for index, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                future.result()
                done(futures[future])
        finally:  # after a failure, nobody waits for the requests that are still under way
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        return [future.result() for future in futures]

    async def run_all_async(self, jobs: Sequence[Steps[T]], done: Callable[[int], None]) -> list[T]:
        """Do what `run_all` does, in the running event loop; a cancellation ends the requests."""
        places = asyncio.Semaphore(AT_ONCE)

        async def run(index: int, client: httpx.AsyncClient) -> T:
            async with places:
                found = await self._run_async(jobs[index], client)
            done(index)
            return found

        async with self._httpx.AsyncClient(**self._options) as client:
            tasks = [asyncio.ensure_future(run(index, client)) for index in range(len(jobs))]
            try:
                return await asyncio.gather(*tasks)
            except BaseException:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                raise

    async def _run_async(self, steps: Steps[T], client: httpx.AsyncClient) -> T:
        result, error = None, None
        while True:
            try:
                step = steps.send(result) if error is None else steps.throw(error)
            except StopIteration as end:
                found: T = end.value
                return found
            result, error = None, None
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                continue
            try:
                result = await self._send_async(step, client)
            except UnreachableError as raised:
                error = raised

    def _client(self) -> httpx.Client:
        """Return the client of this process; it is opened when it is first needed."""
        client = self._clients.get(os.getpid())
        if client is None:
            made = self._httpx.Client(**self._options)
            client = self._clients.setdefault(os.getpid(), made)
            if client is not made:  # another thread was first
                made.close()
        return client

    def _send(self, ask: Ask) -> Reply:
        deadline = time.monotonic() + self._seconds
        with self._errors(), self._client().stream(_method(ask), ask.url, content=ask.body) as response:
            content = bytearray()
            self._refuse_packed(response)
            for chunk in response.iter_raw():
                content += chunk
                self._check(len(content), deadline)
            return _reply(response, bytes(content))

    async def _send_async(self, ask: Ask, client: httpx.AsyncClient) -> Reply:
        deadline = time.monotonic() + self._seconds
        with self._errors():
            async with client.stream(_method(ask), ask.url, content=ask.body) as response:
                content = bytearray()
                self._refuse_packed(response)
                async for chunk in response.aiter_raw():
                    content += chunk
                    self._check(len(content), deadline)
                return _reply(response, bytes(content))

    def _refuse_packed(self, response: httpx.Response) -> None:
        """Raise UnreachableError for a packed reply, which was not asked for, and could be of any size."""
        packed = response.headers.get("content-encoding", "identity").lower()
        if packed not in ("identity", ""):
            raise UnreachableError("the server's reply is packed, which was not asked for", transient=False)

    def _check(self, size: int, deadline: float) -> None:
        """Raise UnreachableError for a reply that is too large, or that comes too slowly."""
        if size > MOST_BYTES:
            raise UnreachableError(f"the server's reply is larger than {MOST_BYTES // 2**20} MiB", transient=False)
        if time.monotonic() > deadline:
            raise self._late()

    def _late(self) -> UnreachableError:
        message = f"the server did not answer within {self._seconds:g} seconds; `model_timeout` gives it more"
        return UnreachableError(message, transient=False)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the errors of httpx into ours."""
        try:
            yield
        except (self._httpx.ConnectTimeout, self._httpx.PoolTimeout):
            raise UnreachableError(f"no connection within {CONNECT_SECONDS:g} seconds", transient=True) from None
        except self._httpx.TimeoutException:
            raise self._late() from None
        except self._httpx.ConnectError as error:
            if "CERTIFICATE" in str(error).upper():
                message = f"the server's certificate is not trusted ({_whole(error)}); set SSL_CERT_FILE"
                raise UnreachableError(message, transient=False) from None
            raise UnreachableError(f"the server cannot be reached: {_whole(error)}", transient=True) from None
        except (self._httpx.NetworkError, self._httpx.RemoteProtocolError) as error:
            raise UnreachableError(f"the connection was lost: {_whole(error)}", transient=True) from None
        except (self._httpx.HTTPError, self._httpx.InvalidURL) as error:
            raise UnreachableError(f"the request failed: {_whole(error)}", transient=False) from None


def trusted_certificates(default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return the certificates of REQUESTS_CA_BUNDLE if that alone is set, else the `default` ones, those of httpx.

    httpx itself reads SSL_CERT_FILE and SSL_CERT_DIR. Raises SettingsError if a file cannot be used.
    """
    names = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE") if os.environ.get(name)]
    try:
        if names != ["REQUESTS_CA_BUNDLE"]:
            return default()
        file = os.environ["REQUESTS_CA_BUNDLE"]
        if os.path.isdir(file):
            return ssl.create_default_context(capath=file)
        return ssl.create_default_context(cafile=file)
    except OSError as error:  # an SSLError is one
        message = f"the trusted certificates cannot be read: {error_line(error)}"
        raise SettingsError(message, names[0] if names else None) from None


def _whole(error: Exception) -> str:
    """Return the message of an error on one line, uncut: a part of the key could stay if it were cut before that."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _method(ask: Ask) -> str:
    return "GET" if ask.body is None else "POST"


def _reply(response: httpx.Response, content: bytes) -> Reply:
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, content)
