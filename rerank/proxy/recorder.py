"""Record how searches were treated: in the metrics, and in the log of experiments."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from resift.rerank.experiments.log import (
    Kind,
    Outcome,
    ShownSearch,
    hashed_query,
    new_search_id,
    search_id_of,
    utc_now,
)
from resift.rerank.experiments.log_writer import SearchLog
from resift.rerank.experiments.team_draft import ShownHit, draft_id
from resift.rerank.proxy.answers import Answer
from resift.rerank.proxy.metrics import ProxyMetrics
from resift.rerank.proxy.work import Treated

_OUTCOMES: dict[str, Outcome] = {"reranked": "reranked", "late": "late", "failed": "failed", "passed": "skipped"}


@dataclass(frozen=True, slots=True)
class Recorder:
    """Counts searches, and logs them if there is a `log`; `texts`: with their words, else with hashes by `secret`."""

    metrics: ProxyMetrics
    log: SearchLog | None = None
    texts: bool = True
    interleaved: bool = False
    secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def new_id(self, request_body: object) -> str | None:
        """Return the id under which a search will be logged, None without a log."""
        return None if self.log is None else search_id_of(request_body) or new_search_id()

    def record(
        self, index: str, answer: Answer, request_body: object, shadow: bool = False, known: str | None = None
    ) -> list[str]:
        """Record the searches of one request, whose first rule is `index`; returns their ids in the log.

        `known`: the id, if it was made before.
        """
        ids = []
        for one in answer.treated:
            name = one.rule or index
            self.metrics.treated(name, one)
            if self.log is not None and one.plan is not None:
                search_id = known or search_id_of(request_body) or search_id_of(answer.body_sent) or new_search_id()
                ids.append(search_id)
                kind: Kind = "shadow" if shadow else "interleaved" if self.interleaved else "reranked"
                self.log.write(self._logged(search_id, name, one, kind, answer.engine_ms))
        if answer.engine_ms:
            self.metrics.engine.observe(answer.engine_ms / 1000)
        return ids

    def _logged(self, search_id: str, index: str, one: Treated, kind: Kind, engine_ms: float) -> ShownSearch:
        text = one.outcome.query_text
        return ShownSearch(
            utc_now(),
            search_id,
            index,
            kind,
            one.first_stage,
            one.reranked,
            _first_stage_page(one) if kind == "shadow" else one.shown or _first_stage_page(one),
            one.first,
            query_text=text if self.texts else None,
            query_hash=None if self.texts else hashed_query(text, self.secret),
            draft_id=draft_id(f"{self.secret}{one.draft}") if one.draft else None,
            window=one.scored.wanted if one.scored is not None else len(one.first_stage),
            scored=one.scored.reached if one.scored is not None else 0,
            engine_ms=engine_ms or None,
            rerank_ms=None if one.remembered else one.milliseconds or None,
            outcome=_OUTCOMES[one.outcome.status],
            reason=one.outcome.reason or None,
            unread=one.unread,
        )


def _first_stage_page(one: Treated) -> tuple[ShownHit, ...]:
    """Return the page that the caller got in the engine's own order."""
    if one.plan is None:
        return ()
    page = one.first_stage[one.plan.start : one.plan.start + one.plan.size]
    return tuple(ShownHit(doc_id) for doc_id in page)
