"""What the model reads of the hits of a search: which fields, how they are requested, and the ranking made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resift.rerank.plugin.options import SearchOptions
from resift.rerank.plugin.request import PassThrough, Plan, plan
from resift.rerank.plugin.response import fields_to_read, hits_to_ranking, promoted_hits
from resift.rerank.plugin.text_places import TextPlaces
from resift.rerank.reranker import Known
from resift.rerank.scorers.registry import NO_MODEL
from resift.rerank.template import Template
from resift.retrieval.engine.hits import HitReader
from resift.retrieval.types import Ranking


class HitTexts:
    """Plans searches so that each hit has the text of `fields`, and reads it; safe to share between threads."""

    def __init__(self, fields: Sequence[str], template: Template, window: int) -> None:
        """Read `fields` of each hit, and those that `template` names; `window` hits if a search says nothing."""
        self._fields = tuple(fields)
        self._others = template.fields()
        self._window = window
        self.places = TextPlaces(self._fields)

    def plan(self, request: Mapping[str, Any], options: SearchOptions) -> Plan | PassThrough:
        """Return how a search is reranked; a request that is not understood is passed through, with the reason."""
        if not options.enabled or options.model == NO_MODEL:
            return PassThrough("switched off for this search")
        window = self._window if options.rank_window_size is None else options.rank_window_size
        try:
            found = plan(request, (*self._fields, *self._others), window, options.query_text)
            return self.places.known(found, request) if isinstance(found, Plan) else found
        except Exception as error:  # a request that the engine itself may refuse
            return PassThrough(f"the request is not understood: {type(error).__name__}: {error}")

    def read(self, bodies: Sequence[Mapping[str, Any]], plans: Sequence[Plan]) -> list[tuple[Ranking, Known]]:
        """Return the hits of each response as a ranking for its query, and what is known of it besides."""
        reader = HitReader(fields_to_read(self._fields, self._others))
        pairs = [(body["hits"]["hits"], one) for body, one in zip(bodies, plans, strict=True)]
        return [(hits_to_ranking(hits, one, reader), Known(promoted_hits(hits, one))) for hits, one in pairs]
