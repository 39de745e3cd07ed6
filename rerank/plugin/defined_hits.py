"""Rerank the searches of one client by the definitions of the indices that they search."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from resift.rerank.index_definitions import IndexDefinition, IndexDefinitions
from resift.rerank.plugin.hit_reranker import HitReranker, SearchWork
from resift.rerank.plugin.options import SearchOptions
from resift.rerank.plugin.request import PassThrough, Plan
from resift.rerank.plugin.response import Outcome
from resift.rerank.plugin.sync_async import Steps

_SHORTEST_MS = 1.0  # the time that is left for a search of an msearch when the others have used it up


class DefinedHits:
    """One `HitReranker` for the indices without a definition, and one for each definition; they share models and queue.

    Safe to share between threads.
    """

    def __init__(self, hits: HitReranker, definitions: IndexDefinitions) -> None:
        """Rerank by `hits`, with what `definitions` say in place of its own fields and settings.

        Raises SettingsError if a definition has settings that cannot be used.
        """
        self._definitions = definitions
        self._hits: dict[IndexDefinition | None, HitReranker] = {None: hits}
        self._hits |= {one: hits.defined(one.names, one.settings) for one in definitions}

    def of(self, index: object) -> HitReranker:
        """Return what reranks the searches in `index`: one name, or several with commas or in a list.

        Several names have a definition only if it is the same for all of them.
        """
        names = ",".join(map(str, index)) if isinstance(index, list | tuple) else str(index or "")
        return self._hits[self._definitions.of(names)]


@dataclass(frozen=True, slots=True)
class DefinedWork:
    """What the flow of one call asks of `DefinedHits`, with the call's options."""

    hits: DefinedHits
    options: SearchOptions
    _planned: list[tuple[Plan, HitReranker]] = field(default_factory=list)  # what reranks each plan of this call

    def plan(self, request: Mapping[str, Any]) -> Plan | PassThrough:
        """Return how a search is reranked, or why not."""
        hits = self.hits.of(request.get("index"))
        found = SearchWork(hits, self.options).plan(request)
        if isinstance(found, Plan):
            self._planned.append((found, hits))
        return found

    def with_text(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> Plan | None:
        """Return the plan that also reads the text where the hits of `body` lack it, None if they have it."""
        hits = self._of(plan)
        found = SearchWork(hits, self.options).with_text(plan, request, body)
        if found is not None:
            self._planned.append((found, hits))
        return found

    def note_text(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """Remember whether the hits of `body`, sent for `plan`, have their text."""
        SearchWork(self._of(plan), self.options).note_text(plan, request, body)

    def rerank(self, bodies: list[Any], plans: list[Plan]) -> Steps:
        """Rerank the hits of `bodies` in place, or keep the engine's order; returns one outcome per body.

        The bodies of one definition are reranked together, within the time that the others have left.
        """
        groups: dict[int, tuple[HitReranker, list[int]]] = {}
        for place, plan in enumerate(plans):
            hits = self._of(plan)
            groups.setdefault(id(hits), (hits, []))[1].append(place)
        outcomes: list[Outcome | None] = [None] * len(plans)
        started = time.monotonic()
        for hits, places in groups.values():
            options = self._left(1000 * (time.monotonic() - started))
            found: Sequence[Outcome] = yield from hits.rerank(
                options, [bodies[place] for place in places], [plans[place] for place in places]
            )
            for place, outcome in zip(places, found, strict=True):
                outcomes[place] = outcome
        return outcomes

    def _left(self, passed: float) -> SearchOptions:
        """Return the options with the deadline that is left after `passed` milliseconds."""
        limit = self.options.deadline_ms
        return self.options if limit is None else replace(self.options, deadline_ms=max(_SHORTEST_MS, limit - passed))

    def _of(self, plan: Plan) -> HitReranker:
        return next(hits for known, hits in self._planned if known is plan)
