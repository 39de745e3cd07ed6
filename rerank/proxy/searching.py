"""Answer a search that is reranked: read it, run the flow of the plug-in, and write the response and its headers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from resift.rerank.explained_passage import ExplainedPassage
from resift.rerank.occlusion import WordEffects
from resift.rerank.plugin.client_arguments import MultiSearchCall, SearchCall
from resift.rerank.plugin.hit_texts import HitTexts
from resift.rerank.plugin.multi_search_flow import msearch
from resift.rerank.plugin.request import PassThrough, Plan
from resift.rerank.plugin.search_flow import search
from resift.rerank.plugin.sync_async import Steps, run_async
from resift.rerank.proxy.answers import Answer, PassedError, label_header, one_line, untreated
from resift.rerank.proxy.breaker import Breaker
from resift.rerank.proxy.details import add_details, read_wish
from resift.rerank.proxy.engine_client import (
    EngineClient,
    RefusedError,
    SearchRequest,
    TimeUpError,
    UnreadableError,
    encode,
    encode_response,
    packed,
)
from resift.rerank.proxy.fields import FieldChooser
from resift.rerank.proxy.http.engine import Engine
from resift.rerank.proxy.http.messages import RequestHead, ResponseHead
from resift.rerank.proxy.http.relay import EngineFailureError, TooLargeError
from resift.rerank.proxy.pages import Pages, identity
from resift.rerank.proxy.points_in_time import PointsInTime
from resift.rerank.proxy.routes import Route
from resift.rerank.proxy.rules import Rule, Rules
from resift.rerank.proxy.scoring import WindowScorer
from resift.rerank.proxy.work import SearchWork, passed
from resift.retrieval.errors import ResiftError

_LOG = logging.getLogger("resift.proxy")
_TO_SEND = 0.01  # seconds of a search that are kept for its response


@dataclass(slots=True)
class Searches:
    """What the searches of all callers share."""

    engine: Engine
    rules: Rules
    scorer: WindowScorer
    pages: Pages
    fields: FieldChooser
    points: PointsInTime = field(default_factory=PointsInTime)
    make_breaker: Callable[[], Breaker] = lambda: Breaker(5, 5.0)  # noqa: E731 - the default
    windows: dict[str, Breaker] = field(default_factory=dict)
    """The name of a rule -> whether the engine answers its searches for the window in time."""
    interleave: bool = False
    opt_in: bool = True
    texts: dict[Any, HitTexts] = field(default_factory=dict)

    def window(self, rule: str) -> Breaker:
        """Return the breaker of the searches of a rule."""
        return self.windows.setdefault(rule, self.make_breaker())

    def hit_texts(self, rule: Rule, names: tuple[str, ...]) -> HitTexts:
        """Return what is read of the hits of `rule`, whose fields are `names`."""
        key = (names, rule.settings)
        if key not in self.texts:
            if len(self.texts) > 1000:
                self.texts.clear()
            self.texts[key] = HitTexts(names, rule.template, rule.settings.rank_window_size)
        return self.texts[key]


class Search:
    """One request with one search or several, from its raw form to the answer."""

    def __init__(self, shared: Searches, head: RequestHead, raw: bytes, route: Route, seconds: float) -> None:
        """Begin; `seconds` are left for it."""
        self.busy = False
        """Whether the model has enough to do without it."""
        self._shared, self._head, self._raw, self._route = shared, head, raw, route
        self._deadline = time.monotonic() + seconds
        self._asked = shared.opt_in and (head.header(b"x-resift") or b"").lower() == b"on"
        self._found: dict[str, tuple[Rule, HitTexts] | PassThrough] = {}
        self._modes: tuple[str, ...] = ("on",)
        self._plans: list[Plan] = []
        self._work = SearchWork(
            self._rule_of, shared.scorer, shared.pages, identity(head.headers), self._deadline, shared.interleave
        )
        self.concerned = False
        """Whether one of its indices is reranked."""
        self.shadowed = False
        """Whether one of its indices is reranked in the shadow, and was not yet."""
        self.name = ""
        """The name of the first rule."""

    @property
    def _window(self) -> Breaker:
        """The breaker of the first rule; one of its own in the shadow, which has more time."""
        return Breaker(1, 1.0) if self._modes == ("shadow",) else self._shared.window(self.name)

    def in_shadow(self) -> Search:
        """Return the same search, in which the indices that are reranked in the shadow are reranked."""
        self._modes = ("shadow",)
        self._work = replace(self._work, pages=Pages(0, 1.0), interleave=False)  # what is shown is the engine's order
        return self

    async def answer(self) -> Answer:
        """Return the response, reranked if that is possible.

        Raises PassedError if it is not.
        """
        try:
            request = SearchRequest.read(self._head, self._raw, self._route.index, self._deadline)
        except UnreadableError as error:
            self._note_rule()
            raise PassedError(str(error), []) from None
        client = EngineClient(self._shared.engine, request)
        try:
            steps = await self._prepared(client, request)
        except UnreadableError as error:
            raise self._passed(str(error)) from None
        except (RefusedError, TimeUpError, EngineFailureError, TooLargeError):
            raise self._passed("the engine did not render its template") from None
        except Exception as error:
            _LOG.exception("a search was not understood")
            raise self._passed(f"failed: {type(error).__name__}") from None
        return await self._reranked(client, request, steps)

    async def _reranked(self, client: EngineClient, request: SearchRequest, steps: Steps) -> Answer:
        """Run the steps of the flow. Raises PassedError if the caller's own request is to be sent instead."""
        too_slow: bool | None = None
        try:
            reply: Any = await run_async(steps)
            too_slow = False
            return await self._response(reply, request, client)
        except RefusedError as error:
            reason = f"the engine refused the search for the window with status {error.status_code}"
        except TimeUpError:
            too_slow = True
            reason = "late: the engine's search took all the time"
        except (UnreadableError, EngineFailureError, TooLargeError) as error:
            reason = str(error)
        except Exception as error:
            _LOG.exception("a search was not reranked")
            reason = f"failed: {type(error).__name__}"
        finally:
            self._window.note(too_slow)
        raise self._passed(reason)

    def _passed(self, reason: str) -> PassedError:
        """Return the error of a search that passes through; its later pages will be in the engine's order too."""
        self._work.keep_own(self._plans, passed(reason))
        return PassedError(reason, self._plans)

    async def _prepared(self, client: EngineClient, request: SearchRequest) -> Steps:
        """Return the steps of the flow. Raises UnreadableError if the engine's own response is the answer."""
        if self._route.kind == "template":
            request = await self._rendered(client, request)
            client.change(request)
        arguments = {"index": request.index, "params": dict(request.params), "body": request.body or None}
        if self._route.kind == "msearch":
            many = MultiSearchCall.parse(client, (), arguments)
            problem = many.problem or _problem_of_lines(request.body)
            requests, steps = many.requests, msearch(many, self._work)
        else:
            one = SearchCall.parse(client, (), arguments)
            problem, requests, steps = one.problem, [one.request], search(one, self._work)
            self._route = self._route.of(request.index or self._shared.points.index(one.request))
        if problem:
            self._note_rule()
            raise UnreadableError(problem)
        await self._find_rules(requests)
        planned = [self._work.plan(one) for one in requests]
        self._plans = [plan for plan in planned if isinstance(plan, Plan)]
        if not self._plans:
            reasons = [plan.reason for plan in planned if isinstance(plan, PassThrough)]
            raise UnreadableError("; ".join(dict.fromkeys(reasons)) or "no search is given")
        if reason := self._work.settled(self._plans, self.busy):
            raise UnreadableError(reason)
        if not self._window.allows():  # a slow engine is not asked for more than the callers do
            raise UnreadableError("the engine's searches took all the time repeatedly")
        return steps

    async def _rendered(self, client: EngineClient, request: SearchRequest) -> SearchRequest:
        """Return the search that a template makes, as the engine renders it."""
        reply = await client.post("/_render/template", request.body)
        path = request.path.removesuffix("/").removesuffix("/template")
        return request.other(path, encode(reply.body["template_output"]))

    def _note_rule(self) -> None:
        """Note the rule of the index in the path, for a search that cannot be read."""
        rule = self._shared.rules.of(self._route.index, self._asked)
        if rule is not None:
            self.concerned, self.name = True, rule.name

    def _rule_of(self, request: Mapping[str, Any]) -> tuple[Rule, HitTexts] | PassThrough:
        index = str(_joined(request.get("index")) or self._route.index)
        return self._found.get(index, PassThrough("its index is not reranked"))

    async def _find_rules(self, requests: list[Mapping[str, Any]] | list[dict[str, Any]]) -> None:
        """Find the rule of each index that `requests` search, and the fields that are read of its hits."""
        for index in {str(_joined(request.get("index")) or self._route.index) for request in requests}:
            rule = self._shared.rules.of(index, self._asked)
            if rule is None:
                continue
            self.concerned, self.name = True, self.name or rule.name
            if rule.mode not in self._modes:
                self.shadowed = self.shadowed or rule.mode == "shadow"
                self._found[index] = PassThrough(f"its index is switched to {rule.mode}")
                continue
            try:
                names = rule.fields or await self._chosen(index)
            except (ResiftError, TimeoutError) as error:
                self._found[index] = PassThrough(f"its fields were not found: {one_line(str(error))}")
                continue
            self._found[index] = (rule, self._shared.hit_texts(rule, names))

    async def _chosen(self, index: str) -> tuple[str, ...]:
        async with asyncio.timeout(max(0.0, self._deadline - time.monotonic())):
            return await self._shared.fields.fields(index, self._head.headers)

    async def _response(self, reply: Any, request: SearchRequest, client: EngineClient) -> Answer:  # noqa: ANN401
        """Return the answer with the hits as the flow left them in `reply`, a Reply with its outcomes."""
        outcomes = reply.resift if isinstance(reply.resift, list) else [reply.resift]
        treated = [self._work.treated.get(id(outcome)) or untreated(outcome) for outcome in outcomes]
        if not any(one.outcome.status == "reranked" for one in treated) and reply.meta.own:
            own = reply.meta.fetched
            return Answer(own.head, own.body, [label_header(treated)], treated, client.milliseconds)
        wish = read_wish(self._head.header(b"x-resift-details"))
        if wish is not None and self._modes != ("shadow",):
            await add_details(reply.body, treated, wish, self._words)
        body, packing = packed(encode_response(reply.body, request.pretty), self._head.headers)
        head = reply.meta.fetched.head
        plain = [pair for pair in head.headers if pair[0].lower() != b"content-encoding"]
        head = ResponseHead(head.status, head.reason, plain)
        return Answer(head, body, [label_header(treated), *packing], treated, client.milliseconds, reply.body)

    async def _words(self, query: str, passage: ExplainedPassage) -> WordEffects:
        """Return the words that mattered for a hit, as far as there is time."""
        seconds = self._deadline - time.monotonic() - _TO_SEND
        return await self._shared.scorer.words(query, passage, self._work.caller.hex(), seconds)


def _problem_of_lines(body: bytes) -> str:
    """Return why an engine refuses the lines of an msearch that can be read otherwise, else ""."""
    if not body.endswith(b"\n"):
        return "the last line of the body has no end"
    return "the first line of the body is empty" if body.startswith((b"\n", b"\r\n")) else ""


def _joined(index: object) -> object:
    """Return the indices of one search of an msearch, which may be a list."""
    return ",".join(map(str, index)) if isinstance(index, list) else index
