"""Checks of the service itself, called from this machine as the engine calls it."""

from __future__ import annotations

from resift.rerank.attach.doctor.case import PAIR, Case, fresh
from resift.rerank.attach.doctor.check import Check
from resift.rerank.attach.doctor.direct import Direct, Reply
from resift.rerank.attach.doctor.finding import Finding, broken, not_checked, warning, works

LONGEST_SCORE = 18
"""Characters of the longest number that OpenSearch's parser reads as a Double; longer ones are a BigDecimal."""
SAME_SCORE = 1e-3
"""The largest difference between two scores of one pair that counts as rounding."""
_MANY = 1000
_USUAL = 100
_NO_SERVICE = "the address of the service is not known"
_RULE = (
    "the service must write every score as a JSON number with a point, of at most 18 characters: 0.0, 1.0, 0.123456789"
)
_ALL = "let the service return every document: no top_n, no limit of its own below the number of hits"
_RANGE = ("Cats live on meat and fish.", "", PAIR[0], "x" * 5000, "Dogs bark at night.")
"""Texts whose scores are as far apart as they can be."""


def check_answers(case: Case) -> Finding:
    """Check that the service answers a plain request with the user's key."""
    reply = case.first_reply
    if reply is None or case.service is None:
        return not_checked(_NO_SERVICE, "name it with `service`")
    url = case.service.url
    if reply.status == 0:
        return warning(
            f"{url} cannot be reached from this machine: {reply.error}",
            "start the service, or correct the address; if only the engine's nodes can reach it, see the call below",
        )
    if reply.status in (401, 403) and case.service.withheld:
        return not_checked(
            f"the service refuses a request without a key ({reply.status}); yours was not sent, because the cluster "
            f"alone names {url}",
            f"give the address with `service` ({url.removesuffix('/rerank').removesuffix('/v1')}) to send the key "
            "there, or the `record` of `resift attach` that has it",
        )
    if reply.status in (401, 403):
        given = "the key in RESIFT_MODEL_API_KEY" if case.service.key else "a request without a key"
        return not_checked(
            f"the service refuses {given} ({reply.status})", "set RESIFT_MODEL_API_KEY to the service's key"
        )
    if reply.status != 200:
        return broken(
            f"{url} returned status {reply.status}", "use the path /v1/rerank of `resift serve`, and see its log"
        )
    if reply.rows() is None:
        return broken(f"{url} does not answer as a reranker does", "use the path /v1/rerank of `resift serve`")
    model = case.info.get("model_id")
    unsent = "; your key was not sent, because the cluster alone names this address" if case.service.withheld else ""
    return works(f"{url} answered{f' by {model}' if model else ''}{unsent}")


def check_all_documents(case: Case) -> Finding:
    """Check that all documents come back, also of many."""
    usable, service = _usable(case)
    if service is None:
        return usable
    for size in (len(PAIR[1]), _USUAL):
        reply = service.rerank(PAIR[0], _texts(case, size))
        if reply.status != 200:
            why = reply.error or f"status {reply.status}"
            return broken(f"{size} documents are refused: {why}", "raise the service's limit of documents in a request")
        if len(reply.scores()) < size:
            return broken(f"{len(reply.scores())} of {size} documents came back", _ALL)
    return works(f"{_USUAL} of {_USUAL} documents came back")


def check_scores(case: Case) -> Finding:
    """Check that every score is a number that OpenSearch reads as a Double."""
    usable, service = _usable(case)
    if service is None:
        return usable
    found = list(service.rerank(PAIR[0], _RANGE).scores().values())
    found += list(service.rerank(PAIR[0], _texts(case, _USUAL)).scores().values())
    whole = [score for score in found if not set(score) & set(".eE")]
    if whole:
        return broken(f"{len(whole)} of {len(found)} scores are integers, such as {whole[0]}", _RULE)
    long = [score for score in found if len(score) > LONGEST_SCORE]
    if long:
        return broken(
            f"{len(long)} of {len(found)} scores are longer than {LONGEST_SCORE} characters: {long[0]}", _RULE
        )
    return works(f"{len(found)} scores, such as {found[0]}") if found else not_checked("the reply has no scores")


def check_order_free(case: Case) -> Finding:
    """Check that a text has the same score wherever it is in the request."""
    usable, service = _usable(case)
    if service is None:
        return usable
    texts = _texts(case, 8)
    forward, backward = service.rerank(PAIR[0], texts).scores(), service.rerank(PAIR[0], texts[::-1]).scores()
    last = len(texts) - 1
    differing = [
        place
        for place in range(len(texts))
        if place in forward and last - place in backward
        if abs(float(forward[place]) - float(backward[last - place])) > SAME_SCORE
    ]
    if differing:
        seen = f"{len(differing)} of {len(texts)} texts get another score when the same request is sent in reverse"
        return broken(seen, 'the reply\'s "index" must be the place of the document in the request, from 0')
    return works("the same scores for the same texts in reverse")


def check_speed(case: Case) -> Finding:
    """Check that the service answers 100 of the index's texts within the time that the engine gives it."""
    first = case.first_reply
    if first is not None and case.timeout is not None and first.seconds > case.timeout:
        return _judged(case, len(PAIR[1]), first)
    usable, service = _usable(case)
    if service is None:
        return usable
    return _judged(case, _USUAL, service.rerank(PAIR[0], fresh(_texts(case, _USUAL)), **_deadline(case)))


def _judged(case: Case, size: int, reply: Reply) -> Finding:
    """Return whether the reply for `size` documents came in time."""
    if reply.status not in (0, 200):
        return broken(f"{size} documents get status {reply.status}", "see the log of the service")
    if (partly := _partly(case, size, reply)) is not None:
        return partly
    seen = f"{size} documents took {reply.seconds:.1f} s{f' ({reply.error})' if reply.error else ''}"
    if case.timeout is None:
        return works(f"{seen}; the engine's limit is not known")
    seen += f", and the engine waits for {case.timeout:g} s (read_timeout)"
    remedy = (
        'add "timeout_ms" below read_timeout to the request_body of the connector, rerank fewer hits (a smaller size), '
        "use a faster model, or raise read_timeout"
    )
    if reply.seconds > case.timeout:
        return broken(seen, remedy)
    return warning(seen, remedy) if reply.seconds > case.timeout / 2 else works(seen)


def _partly(case: Case, size: int, reply: Reply) -> Finding | None:
    """Return a warning if the service did not score all of `size` documents within the deadline, else None."""
    if reply.status != 200 or reply.scored is None or reply.scored >= size:
        return None
    limit = "its time limit" if case.deadline_ms is None else f"timeout_ms ({case.deadline_ms:,})"
    return warning(
        f"only {reply.scored:,} of {size:,} documents were scored within {limit}; the others come after them",
        "rerank fewer hits (a smaller size), use a smaller model, or raise timeout_ms in the request_body of the "
        "connector, below read_timeout",
    )


def check_many(case: Case) -> Finding:
    """Check that the service takes 1,000 documents in one request."""
    usable, service = _usable(case)
    if service is None:
        return usable
    reply = service.rerank(PAIR[0], fresh([f"number {place}" for place in range(_MANY)]), **_deadline(case))
    if reply.status != 200:
        why = reply.error or f"status {reply.status}"
        return warning(
            f"{_MANY:,} documents are refused: {why}", f"rerank fewer than {_MANY:,} hits, or raise its limit"
        )
    if len(reply.scores()) < _MANY:
        return broken(f"{len(reply.scores())} of {_MANY:,} documents came back", _ALL)
    if (partly := _partly(case, _MANY, reply)) is not None:
        return partly
    return works(f"{_MANY:,} documents in {reply.seconds:.1f} s")


def check_tricky(case: Case) -> Finding:
    """Check that the service takes any text: empty ones, quotes, braces, JSON, and what a template would fill."""
    usable, service = _usable(case)
    if service is None:
        return usable
    texts = ("", " ", 'say "cats"', "{a}", '["x"]', '{"k": 1}', "${parameters.query}", "é漢🙂\n\t\\")
    for query in ('say "x" {y} [z]', '["a"]', '{"a": 1}', "${parameters.documents}"):
        reply = service.rerank(query, texts)
        if reply.status != 200 or len(reply.scores()) < len(texts):
            return broken(f"the query {query} gets {_answered(reply)}", "the service must take any text; see its log")
    return works("quotes, braces, JSON and empty texts are answered")


def _answered(reply: Reply) -> str:
    return reply.error or (f"{len(reply.scores())} scores" if reply.status == 200 else f"status {reply.status}")


def _usable(case: Case) -> tuple[Finding, Direct | None]:
    """Return the service if it answers; else why nothing else of it can be checked."""
    reply = case.first_reply
    if case.service is None or reply is None:
        return not_checked(_NO_SERVICE, "name it with `service`"), None
    if reply.status != 200 or reply.rows() is None:
        return not_checked("the service does not answer a plain request from this machine"), None
    if case.timeout is not None and reply.seconds > case.timeout:
        return not_checked(f"a plain request takes {reply.seconds:.1f} s, longer than the engine waits"), None
    return works(""), case.service


def _texts(case: Case, size: int) -> list[str]:
    """Return `size` texts: those of the index, as often as needed, or made ones."""
    known = [text[:2000] for text in case.texts] or list(PAIR[1])
    return [known[place % len(known)] for place in range(size)]


def _deadline(case: Case) -> dict[str, object]:
    """Return the members that the engine sends too: the time limit of a service of resift."""
    return {"timeout_ms": case.deadline_ms} if case.deadline_ms else {}


CHECKS: tuple[Check[Case], ...] = (
    Check("service", "answer", "the service answers this machine", check_answers),
    Check("service", "all documents", "every document that is sent gets a score", check_all_documents),
    Check("service", "scores", "scores are written as OpenSearch can read them", check_scores),
    Check("service", "order", "a text's score does not depend on its place", check_order_free),
    Check("service", "speed", "100 texts of the index are scored within the limit", check_speed),
    Check("service", "1,000 documents", "a request may have 1,000 documents", check_many),
    Check("service", "tricky texts", "any text is answered", check_tricky),
)
