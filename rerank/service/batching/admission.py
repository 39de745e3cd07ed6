"""Admit a job whole, or refuse it whole, by the time that the queue would take with it."""

from __future__ import annotations

import math

from resift.rerank.service.batching.fair_queue import FairQueue
from resift.rerank.service.batching.job import Job


class OverloadedError(Exception):
    """The queue has no room for a job; `retry_after`: when it will probably have, in whole seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        """Keep `retry_after`."""
        super().__init__(message)
        self.retry_after = retry_after


MARGIN = 0.7
"""Share of the bound up to which jobs are admitted: the estimate of their time can be wrong by as much."""


def make_room(queue: FairQueue, job: Job, bound: float) -> list[Job]:
    """Return the jobs to shed so that `queue` takes at most `bound` seconds with `job`; none if there is room.

    A job that no batch has contained yet is shed if its priority is lower, or if its caller has more in the queue than
    the caller of `job` would have: lowest priority first, then the largest caller, the newest first. A job is always
    admitted to an empty queue, whatever its size. Raises OverloadedError if there would not be room all the same.
    """
    needed = job.lane.rate.seconds(job.tokens_left)
    room = MARGIN * bound
    job.oversized = needed > room
    ahead = _seconds_ahead(queue, needed)
    excess = ahead + needed - room
    if excess <= 0 or not len(queue):
        return []
    shed: list[Job] = []
    for victim in _victims(queue, job):
        shed.append(victim)
        excess -= _seconds_of(victim, needed)
        if excess <= 0:
            return shed
    wait = max(1, math.ceil(ahead + min(needed, room) - room))
    raise OverloadedError(
        f"the queue takes {ahead:.1f} s already, and this request {needed:.1f} s; {room:g} s are admitted: send it "
        f"again in {wait} s",
        wait,
    )


def _seconds_ahead(queue: FairQueue, needed: float) -> float:
    """Return how long a job of `needed` seconds waits for those in `queue`.

    A job that exceeds the bound by itself, and was admitted when nothing else was there, is not ahead of the others for
    longer than they take: it gets an equal share meanwhile, and its own time is not promised.
    """
    return sum(_seconds_of(one, needed) for one in queue)


def _seconds_of(job: Job, needed: float) -> float:
    """Return how long a job is ahead of one of `needed` seconds."""
    seconds = job.lane.rate.seconds(job.tokens_left)
    return min(needed, seconds) if job.oversized else seconds


def _victims(queue: FairQueue, job: Job) -> list[Job]:
    """Return the jobs that would be shed for `job`, in this order."""
    waiting = queue.waiting_tokens()
    own = waiting.get(job.place_in_queue.caller, 0.0) + job.tokens_left

    def yields(one: Job) -> bool:
        if one.started or one.priority < job.priority:
            return False
        larger = waiting[one.place_in_queue.caller] - one.tokens_left >= own
        return one.priority > job.priority or (one.place_in_queue.caller != job.place_in_queue.caller and larger)

    candidates = [(place, one) for place, one in enumerate(queue) if yields(one)]
    candidates.sort(key=lambda each: (-each[1].priority, -waiting[each[1].place_in_queue.caller], -each[0]))
    return [one for _, one in candidates]
