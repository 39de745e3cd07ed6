"""The proxy: decide for each request whether it passes through, is reranked, or is reranked in the shadow."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from resift.rerank.proxy.answers import Answer, PassedError, as_it_is
from resift.rerank.proxy.engine_client import MOST_BODY
from resift.rerank.proxy.http.exchange import Exchange, Receiver
from resift.rerank.proxy.http.messages import RequestHead
from resift.rerank.proxy.http.relay import EngineFailureError, Relay, TooLargeError, fetch
from resift.rerank.proxy.recorder import Recorder
from resift.rerank.proxy.routes import Route, find_route
from resift.rerank.proxy.rules import Rule
from resift.rerank.proxy.searching import Search, Searches
from resift.rerank.proxy.work import passed

_LOG = logging.getLogger("resift.proxy")
_MOST_HELD = 256 << 20  # bytes of collected bodies, above which searches pass through as they come
_LONGER = 10.0  # times the deadline: a search in the shadow keeps nobody waiting


@dataclass(slots=True)
class Proxy:
    """Takes the requests of all callers.

    `seconds`: the deadline of a search. `most`: how many are reranked at once, and as many again in the shadow.
    `held`: bytes of the bodies that are collected.
    """

    searches: Searches
    recorder: Recorder
    seconds: float = 1.0
    most: int = 64
    active: int = 0
    held: int = 0
    in_shadow: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, exchange: Exchange) -> Receiver:
        """Take a request whose head was read; returns what receives its body."""
        head = exchange.head
        route = find_route(head.method, head.path)
        if route is None:
            return self._relay(exchange)
        return self._accept_search(exchange, route)

    def _relay(self, exchange: Exchange, reason: str = "") -> Receiver:
        self.recorder.metrics.relayed += 1
        return Relay(exchange, self.searches.engine, _label(reason)).start()

    def _accept_search(self, exchange: Exchange, route: Route) -> Receiver:
        """Take a search: it is collected if it may be reranked."""
        wish = (exchange.head.header(b"x-resift") or b"").lower()
        if self.searches.rules.everything_off:
            return self._relay(exchange, "switched off")
        if wish == b"off":
            return self._relay(exchange, "switched off by the request")
        rule = self.searches.rules.of(route.index, self.searches.opt_in and wish == b"on")
        if rule is None and (route.index and route.kind != "msearch"):
            return self._relay(exchange)
        if route.kind == "not supported":
            return self._relay(exchange, "this kind of search is not supported") if rule else self._relay(exchange)
        if rule is not None and rule.mode == "off":
            return self._relay(exchange, "its index is switched off")
        if self.held > _MOST_HELD:
            return self._relay(exchange, "too many searches are reranked already")
        return Collector(exchange, route, rule, self)

    def collected(self, exchange: Exchange, route: Route, rule: Rule | None, raw: bytes) -> asyncio.Task[None] | None:
        """Take a search whose body is complete; returns the task that answers it, None if it is passed through."""
        if route.kind == "search" and rule is None and b'"pit"' not in raw and _is_plain(exchange.head):
            self._pass(exchange, raw, [])
            return None
        if route.kind == "point in time":
            return self._start(self._open_point(exchange, route, raw))
        if rule is not None and rule.mode == "shadow" and route.kind != "msearch":
            search_id = self.recorder.new_id(_json(raw))
            named = [(b"X-Resift-Search-Id", search_id.encode("ascii"))] if search_id else []
            self._pass(exchange, raw, [*_label("its index is switched to shadow"), *named])
            self._shadow(exchange.head, raw, route, search_id)
            return None
        return self._start(self._search(exchange, route, raw))

    def _pass(self, exchange: Exchange, raw: bytes, more: list[tuple[bytes, bytes]]) -> None:
        """Pass a request through whose body was collected; `more` are headers for its response."""
        self.recorder.metrics.relayed += 1
        relay = Relay(exchange, self.searches.engine, more)
        exchange.receiver = relay
        if raw:
            relay.body(raw)
        relay.complete()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _search(self, exchange: Exchange, route: Route, raw: bytes) -> None:
        """Answer a search."""
        search = Search(self.searches, exchange.head, raw, route, self.seconds)
        search.busy = self.active >= self.most
        self.active += 1
        answer, passes = None, None
        try:
            answer = await search.answer()
        except PassedError as error:
            passes = as_it_is(error, search.name)
        except Exception:
            _LOG.exception("a search failed")
        finally:
            self.active -= 1
        if answer is not None:
            exchange.answer(answer.head, answer.body, self._recorded(search, answer, raw))
        else:
            self._pass(exchange, raw, [] if passes is None else self._recorded(search, passes, raw))
        if search.shadowed:
            self._shadow(exchange.head, raw, route)

    def _recorded(self, search: Search, answer: Answer, raw: bytes) -> list[tuple[bytes, bytes]]:
        """Record how a search was treated, and return the headers of its response; none if no rule concerns it."""
        if not search.concerned:
            return []
        ids: list[str] = []
        try:
            ids = self.recorder.record(search.name, answer, _json(raw) if self.recorder.log else None)
        except Exception:  # no search is worse for it
            _LOG.exception("a search was not recorded")
        return [*answer.headers, *([(b"X-Resift-Search-Id", ",".join(ids).encode("ascii"))] if ids else [])]

    def _shadow(self, head: RequestHead, raw: bytes, route: Route, search_id: str | None = None) -> None:
        """Rerank a search that is answered already, unless too many are being reranked."""
        if self.in_shadow < self.most and not self.searches.rules.everything_off:
            self._start(self._in_shadow(head, raw, route, search_id))

    async def _in_shadow(self, head: RequestHead, raw: bytes, route: Route, search_id: str | None) -> None:
        self.in_shadow += 1
        search = Search(self.searches, head, raw, route, _LONGER * self.seconds).in_shadow()
        try:
            answer = await search.answer()
            self.recorder.record(search.name, answer, _json(raw), True, search_id)
        except PassedError as error:
            self.recorder.record(search.name, as_it_is(error, search.name), _json(raw), True, search_id)
        except Exception:
            _LOG.exception("a search in the shadow failed")
        finally:
            self.in_shadow -= 1

    async def _open_point(self, exchange: Exchange, route: Route, raw: bytes) -> None:
        """Open a point in time, and note for which indices."""
        try:
            fetched = await fetch(self.searches.engine, exchange.head, raw)
        except (EngineFailureError, TooLargeError) as error:
            exchange.refuse(502, "connect_exception", str(error))
            return
        if fetched.head.header(b"content-encoding") is None:
            self.searches.points.note(route.index, _json(fetched.body))
        exchange.answer(fetched.head, fetched.body, [])

    async def finish(self, seconds: float) -> None:
        """Wait for the searches under way, for at most `seconds`."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)


class Collector:
    """Receives the whole body of a search; one that is too large passes through."""

    def __init__(self, exchange: Exchange, route: Route, rule: Rule | None, proxy: Proxy) -> None:
        """Collect for `proxy`."""
        self._exchange, self._route, self._rule, self._proxy = exchange, route, rule, proxy
        self._parts: list[bytes] = []
        self._size = 0
        self._relay: Relay | None = None
        self._task: asyncio.Task[None] | None = None

    def body(self, data: bytes) -> None:
        """Take a part of the body."""
        if self._relay is not None:
            self._relay.body(data)
            return
        self._parts.append(data)
        self._size += len(data)
        self._proxy.held += len(data)
        if self._size > MOST_BODY:
            self._let_go()
            self._relay = Relay(self._exchange, self._proxy.searches.engine, _label("its body is too large")).start()
            self._exchange.receiver = self._relay
            for part in self._parts:
                self._relay.body(part)
            self._parts = []

    def complete(self) -> None:
        """Hand the body on."""
        if self._relay is not None:
            self._relay.complete()
        else:
            raw, self._parts = b"".join(self._parts), []
            self._task = self._proxy.collected(self._exchange, self._route, self._rule, raw)
            if self._task is None:
                self._let_go()
            else:
                self._task.add_done_callback(lambda _: self._let_go())

    def lost(self) -> None:
        """Give the search up: the caller hung up."""
        if self._task is not None:
            self._task.cancel()
        else:
            self._let_go()

    def _let_go(self) -> None:
        """Count the collected body no more."""
        self._proxy.held -= self._size
        self._size = 0

    def wait(self) -> None:
        """Nothing is streamed."""

    def go_on(self) -> None:
        """Nothing is streamed."""


def _label(reason: str) -> list[tuple[bytes, bytes]]:
    return [(b"X-Resift", passed(reason).encode("latin-1"))] if reason else []


def _is_plain(head: RequestHead) -> bool:
    return head.header(b"content-encoding") is None


def _json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(raw)
    return None
