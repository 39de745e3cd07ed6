"""What JSON Schema cannot say of a request, for schemathesis, which reads this file: such requests are left out."""

from __future__ import annotations

from typing import Any

import schemathesis

LONG_MS = 60_000
"""Milliseconds in which any small request is answered: `/score` has status 504 when the time is up."""


def pairs_fit(body: dict[str, Any]) -> bool:
    """Return whether the two sides of `/score` are one text with many, or equally many."""
    left, right = body.get("text_1"), body.get("text_2")
    if not isinstance(left, list):
        return True
    return len(left) in (1, len(right) if isinstance(right, list) else 1)


def fields_fit(body: dict[str, Any]) -> bool:
    """Return whether every document that is an object has one of the `rank_fields`."""
    fields, documents = body.get("rank_fields"), body.get("documents")
    if not fields or not isinstance(fields, list) or not isinstance(documents, list):
        return True
    objects = [one for one in documents if isinstance(one, dict)]
    return all(any(isinstance(name, str) and one.get(name) is not None for name in fields) for one in objects)


def scores_fit(body: dict[str, Any]) -> bool:
    """Return whether there are as many first-stage scores as documents."""
    scores = body.get("first_stage_scores")
    given = next((body[name] for name in ("texts", "documents") if isinstance(body.get(name), list)), None)
    return not isinstance(scores, list) or given is None or len(scores) == len(given)


def words_fit(body: dict[str, Any]) -> bool:
    """Return whether the document whose words are to be explained is there, and the reply has a place for them."""
    place, documents = body.get("explain_words"), body.get("documents")
    if body.get("texts") is not None:
        return place is None and not body.get("explain")
    return not isinstance(place, int) or not isinstance(documents, list) or place < len(documents)


def time_is_long(limit: object) -> bool:
    """Return whether `limit` is none, or none that a request could exceed."""
    return not (str(limit).isdigit() and 0 < int(str(limit)) < LONG_MS)


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Return whether the document says all that matters for `case`."""
    limits: list[object] = [dict(case.headers or {}).get("X-Deadline-Ms")]
    body = case.body
    if isinstance(body, dict):
        limits.append(body.get("timeout_ms"))
        fits = pairs_fit(body) and fields_fit(body) and scores_fit(body) and words_fit(body)
        if not fits or body.get("index") is not None:
            return False
    return case.path != "/score" or all(map(time_is_long, limits))
