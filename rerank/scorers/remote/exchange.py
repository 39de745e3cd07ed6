"""One request to a server, with its retries: written once as a generator, which `transport` drives in both ways.

The generator yields an `Ask`, and is sent the `Reply` or is thrown `UnreachableError`; or it yields a `Pause`.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from resift.rerank.scorers.remote.keys import Key
from resift.rerank.scorers.remote.reply import ReplyError, read_json
from resift.retrieval.errors import ModelError
from resift.retrieval.text import one_line, shorten

T = TypeVar("T")
OVERLOADED = 429
TRANSIENT_STATUSES = (408, OVERLOADED, 502, 503, 504)
"""The HTTP statuses that are retried."""
ATTEMPTS = 5
"""Requests until a server counts as down; one that is only overloaded is asked until the patience is at its end."""
LONGEST_WAIT = 20.0  # seconds between two attempts, if the server does not name a time
_TOO_MANY = re.compile(
    r"batch.?size|(submitted|your) batch|too many|at most \d|maximum (allowed )?(number|batch)|max_client", re.I
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: the URL, and the JSON that is posted, None for a GET."""

    url: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait of some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The response to a request; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class UnreachableError(Exception):
    """There was no reply; `transient` is True if a retry may help."""

    def __init__(self, message: str, transient: bool) -> None:
        """Keep what happened, and whether a retry may help."""
        self.transient = transient
        super().__init__(message)


class TooLargeError(ModelError):
    """The server refuses the size of a request, in texts if `by_count`, else in bytes."""

    by_count = False


Steps = Generator[Ask | Pause, Any, T]


def backoff(retry: int) -> float:
    """Return the seconds to wait before retry number `retry`, counted from 0: random, with a limit that doubles.

    Source: full jitter, M. Brooker (2015), "Exponential backoff and jitter", AWS Architecture Blog.
    """
    return random.uniform(0.1, min(LONGEST_WAIT, 0.25 * 2 ** min(retry, 16)))


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None if there is none that can be read.

    Source: RFC 9110, section 10.2.3.

    >>> retry_after("7"), retry_after("soon")
    (7.0, None)
    """
    if header is None:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", header.strip()):
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


@dataclass(frozen=True, slots=True)
class Exchange:
    """How requests to one server are made: `name` is the model's in messages, `patience` the seconds of retries."""

    name: str
    key: Key
    patience: float
    clock: Callable[[], float] = time.monotonic

    def error(self, message: str) -> ModelError:
        """Return a ModelError that names this model, and does not show the key."""
        return ModelError(one_line(self.key.hide(message)), self.name)

    def unusable(self, error: ReplyError) -> ModelError:
        """Return the ModelError for a reply that cannot be used."""
        came = shorten(self.key.hide(error.came), 100)  # never cut before the key is hidden: a part of it could stay
        return self.error(f"the server's reply cannot be used: {error}{f', got {came}' if came else ''}")

    def ask(self, ask: Ask) -> Steps[Reply]:
        """Make a request, with retries; return the reply, whose status is not a transient one.

        A server that names a time to wait is given it. Raises ModelError if the server cannot be reached, or is still
        overloaded once the patience is at its end.
        """
        started, failures = self.clock(), 0
        while True:
            wait, overloaded = None, False
            try:
                reply: Reply = yield ask
                if reply.status not in TRANSIENT_STATUSES:
                    return reply
                wait, overloaded = retry_after(reply.headers.get("retry-after")), reply.status == OVERLOADED
                trouble = self._said(reply)
            except UnreachableError as error:
                if not error.transient:
                    raise self.error(str(error)) from None
                trouble = str(error)
            failures += 1
            # at least our own wait, since a server may name 0 seconds for ever
            seconds = max(backoff(failures - 1), 0.0 if wait is None else wait + random.uniform(0.0, 0.1 * wait))
            left = self.patience - (self.clock() - started)
            if wait is not None and wait > left:
                raise self.error(f"{trouble}; it is to be asked again in {wait:g} seconds, which is too long to wait")
            if left <= 0 or (failures >= ATTEMPTS and not overloaded):
                raise self.error(f"{trouble}; {failures} attempts failed")
            yield Pause(min(seconds, left))

    def json(self, ask: Ask) -> Steps[Any]:
        """Make a request and return the JSON of the reply. Raises ModelError, TooLargeError if its size is refused."""
        reply = yield from self.ask(ask)
        if reply.status != 200:
            self.refuse(reply, ask.url)
        try:
            return read_json(reply.content)
        except ReplyError as error:
            raise self.unusable(error) from None

    def refuse(self, reply: Reply, url: str) -> NoReturn:
        """Raise the ModelError for a reply that is not a result."""
        status, said = reply.status, self._said(reply)
        if 300 <= status < 400:
            raise self.error(
                f"the server redirects to {_place(reply.headers.get('location', ''))}, which is not followed, so that "
                "texts and key go to no other server; give that address"
            )
        if status in (401, 403):
            what = f"the key in {self.key.source} is refused" if self.key.value else f"set a key in {self.key.source}"
            raise self.error(f"{said}; {what}")
        if status in (404, 405):
            route = urlsplit(url).path
            raise self.error(f"{said}; there is no {route}: check the address, its dialect and its model")
        if status == 413 or (status in (400, 422) and _TOO_MANY.search(said)):
            error = TooLargeError(one_line(self.key.hide(said)), self.name)
            error.by_count = status != 413 or bool(_TOO_MANY.search(said))
            raise error
        raise self.error(said)

    def _said(self, reply: Reply) -> str:
        """Return the server's message of an error, on one line."""
        try:
            text = _message(read_json(reply.content))
        except ReplyError:
            text = ""
        shown = shorten(self.key.hide(text), 200)
        return f"the server answered {reply.status}{f': {shown}' if shown else ''}"


def _message(found: object) -> str:
    """Return the text of an error from the usual places of its JSON."""
    if isinstance(found, str):
        return found
    if isinstance(found, list):
        return "; ".join(filter(None, map(_message, found[:3])))
    if isinstance(found, Mapping):
        return next(filter(None, (_message(found.get(name)) for name in ("error", "message", "detail", "msg"))), "")
    return ""


def _place(location: str) -> str:
    """Return the host and path of a redirection, without what could be a secret."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "another place"
    host = parts.netloc.rpartition("@")[2]
    shown = f"{parts.scheme}://{host}{parts.path}" if host else parts.path
    return shown or "another place"  # `error` hides the key, and cuts then
