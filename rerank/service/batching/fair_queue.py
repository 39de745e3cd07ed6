"""The order of jobs: by priority, then equal shares for callers, and within a caller large jobs let others pass.

Callers: the one who was served the fewest tokens comes first (start-time fair queueing: Goyal, Vin and Cheng,
"Start-time fair queuing", SIGCOMM 1996). Jobs of one caller: the one whose share of the server would have finished it
first, by the service that the one in turn has received (as in self-clocked fair queueing: Golestani, "A self-clocked
fair queueing scheme", INFOCOM 1994, whose clock is the finishing time of that one). Jobs of up to a
third of the queue's bound count as equal, and are served one after another; they overtake a larger one that is under
way. A third, since a job that others overtake is then still finished within the bound: one of s seconds waits for s / q
times what else the queue holds, if jobs of q seconds arrive all the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from resift.rerank.service.batching.job import Job


@dataclass(slots=True)
class _Caller:
    """The jobs of one caller. `served`: its virtual time, in seconds of scoring. `clock`: that of its jobs."""

    served: float
    clock: float = 0.0
    jobs: list[Job] = field(default_factory=list)


class FairQueue:
    """The jobs that are not finished. Not safe between threads; the batcher locks it."""

    def __init__(self, bound: float) -> None:
        """Serve jobs of up to a third of `bound` seconds in the order in which they came."""
        self._quantum = bound / 3
        self._callers: dict[str, _Caller] = {}
        self._clock = 0.0

    def __len__(self) -> int:
        return sum(len(caller.jobs) for caller in self._callers.values())

    def __iter__(self) -> Iterator[Job]:
        return (job for caller in self._callers.values() for job in caller.jobs)

    def add(self, job: Job) -> None:
        """Add a job; a caller who was away has no claim on the time that it did not use."""
        name = job.place_in_queue.caller
        if name not in self._callers:
            self._callers[name] = _Caller(self._clock)
        caller = self._callers[name]
        job.start = caller.clock
        job.tag = job.start + max(self._quantum, job.lane.rate.seconds(job.tokens_left))
        caller.jobs.append(job)

    def remove(self, job: Job) -> None:
        """Remove a job, if it is there."""
        name = job.place_in_queue.caller
        caller = self._callers.get(name)
        if caller is not None and job in caller.jobs:
            caller.jobs.remove(job)
            if not caller.jobs:
                del self._callers[name]

    def ordered(self) -> list[Job]:
        """Return the jobs, the one to serve next first."""
        keyed = [
            ((job.priority, caller.served, job.tag, place), job)
            for caller in self._callers.values()
            for place, job in enumerate(caller.jobs)
        ]
        return [job for _, job in sorted(keyed, key=lambda one: one[0])]

    def charge(self, job: Job, tokens: float) -> None:
        """Count that a job was served `tokens` tokens."""
        job.tokens_left = max(0.0, job.tokens_left - tokens)
        seconds = job.lane.rate.seconds(tokens)
        job.received += seconds
        caller = self._callers.get(job.place_in_queue.caller)
        if caller is not None:
            self._clock = max(self._clock, caller.served)
            caller.served += seconds
            caller.clock = max(caller.clock, min(job.tag, job.start + job.received))

    def waiting_tokens(self) -> dict[str, float]:
        """Return the probable tokens of each caller's jobs."""
        return {name: sum(job.tokens_left for job in caller.jobs) for name, caller in self._callers.items()}

    def seconds(self) -> float:
        """Return how long the jobs will take, by the measured rates of their models."""
        return sum(job.lane.rate.seconds(job.tokens_left) for job in self)
