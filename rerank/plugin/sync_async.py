"""One telling of what a wrapped search does, for synchronous and asynchronous clients alike.

A generator yields what it waits for, a call of the client or a `Wait` for the model, and is sent the answer, or
thrown the error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for `future`, for so many `seconds` at most (None: until it is done), else TimeoutError."""

    future: Future[Any]
    seconds: float | None


Steps = Generator[Callable[[], Any] | Wait, Any, Any]


def run(steps: Steps) -> Any:  # noqa: ANN401 - what the steps return
    """Go through `steps` in this thread; return what they return."""
    answer, error = None, None
    while True:
        try:
            step = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value
        answer, error = None, None
        try:
            answer = step.future.result(step.seconds) if isinstance(step, Wait) else step()
        except Exception as raised:
            if isinstance(step, Wait):
                step.future.cancel()  # where nobody waits any more, it need not be begun
            error = raised


async def run_async(steps: Steps) -> Any:  # noqa: ANN401
    """Go through `steps`, whose calls are awaited; return what they return."""
    answer, error = None, None
    while True:
        try:
            step = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value
        answer, error = None, None
        try:
            if isinstance(step, Wait):
                answer = await asyncio.wait_for(asyncio.wrap_future(step.future), step.seconds)
            else:
                answer = await step()
        except Exception as raised:
            error = raised
