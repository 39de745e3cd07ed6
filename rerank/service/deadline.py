"""The time limit of a request, as its header or its body gives it."""

from __future__ import annotations

from dataclasses import replace

from resift.rerank.service.call import RerankCall, ScoreCall
from resift.rerank.service.request_error import invalid

LONGEST_MS = 86_400_000
"""A day, the longest limit; a request that asks for more has no limit."""


def with_deadline(call: RerankCall | ScoreCall, header: str | None) -> RerankCall | ScoreCall:
    """Return `call` with the limit of the header X-Deadline-Ms, if that is sooner than its own.

    Raises RequestError if it is not a number of milliseconds.
    """
    options = call.options
    if header is not None:
        text = header.strip()
        if not (text.isascii() and text.isdigit() and 0 < len(text) <= 12 and int(text) > 0):
            raise invalid(f"X-Deadline-Ms is {header[:40]!r}; expected a number of milliseconds above 0")
        asked = int(text)
        options = replace(options, timeout_ms=min(asked, options.timeout_ms or asked))
    if options.timeout_ms is not None and options.timeout_ms > LONGEST_MS:
        options = replace(options, timeout_ms=None)
    return replace(call, options=options)
