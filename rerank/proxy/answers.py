"""The answer to a search: how it was treated, and the header that says so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from resift.rerank.plugin.request import Plan
from resift.rerank.plugin.response import Outcome
from resift.rerank.proxy.http.messages import ResponseHead
from resift.rerank.proxy.work import Treated, passed


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a search, and how each of its searches was treated. `engine_ms`: what the engine took."""

    head: ResponseHead
    body: bytes
    headers: list[tuple[bytes, bytes]]
    treated: list[Treated]
    engine_ms: float = 0.0
    body_sent: object = None


class PassedError(Exception):
    """A search passes through as it came; the message says why. `plans`: of those that would have been reranked."""

    def __init__(self, reason: str, plans: list[Plan]) -> None:
        """Keep both."""
        super().__init__(reason)
        self.plans = plans


def label_header(treated: list[Treated]) -> tuple[bytes, bytes]:
    """Return the header that says how the searches of a request were treated.

    Of several searches, equal labels are given once, each with its count.
    """
    labels = [one.label for one in treated]
    counts = {label: labels.count(label) for label in dict.fromkeys(labels)}
    text = next(iter(counts), "") if len(counts) < 2 else "; ".join(f"{n} {label}" for label, n in counts.items())
    return (b"X-Resift", one_line(text).encode("latin-1", "replace"))


def as_it_is(error: PassedError, rule: str) -> Answer:
    """Return how the searches of a request were treated that passed through; there is no response yet."""
    reason = str(error)
    outcome = Outcome("late" if reason.startswith("late") else "passed", reason)
    plans: list[Plan | None] = list(error.plans) or [None]
    label = passed(reason)
    treated = [
        Treated(label, replace(outcome, query_text="" if plan is None else plan.text), plan, rule=rule, unread=True)
        for plan in plans
    ]
    return Answer(ResponseHead(0), b"", [label_header(treated[:1])], treated)


def untreated(outcome: Outcome) -> Treated:
    """Return how a search was treated that the flow did not hand to the model."""
    return Treated(passed(outcome.reason), replace(outcome))


def one_line(text: str) -> str:
    """Return a text as the value of a header: printable, and not long."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain if len(plain) <= 300 else f"{plain[:300]}..."
