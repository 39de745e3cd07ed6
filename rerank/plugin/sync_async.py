"""Drive the steps of a wrapped search, written once as a generator, synchronously or asynchronously.

The generator yields what it waits for, a call of the client or a `Wait` for the model, and is sent the result, or is
thrown the exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for `future`, at most `seconds` (None: without limit); then TimeoutError."""

    future: Future[Any]
    seconds: float | None


Steps = Generator[Callable[[], Any] | Wait, Any, Any]


def run(steps: Steps) -> Any:  # noqa: ANN401 - what the steps return
    """Run `steps` in this thread; return what they return."""
    result, error = None, None
    while True:
        try:
            step = steps.send(result) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value
        result, error = None, None
        try:
            result = step.future.result(step.seconds) if isinstance(step, Wait) else step()
        except Exception as raised:
            if isinstance(step, Wait):
                step.future.cancel()  # the search no longer needs it
            error = raised


async def run_async(steps: Steps) -> Any:  # noqa: ANN401
    """Run `steps`, awaiting their calls; return what they return."""
    result, error = None, None
    while True:
        try:
            step = steps.send(result) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value
        result, error = None, None
        try:
            if isinstance(step, Wait):
                result = await asyncio.wait_for(asyncio.wrap_future(step.future), step.seconds)
            else:
                result = await step()
        except Exception as raised:
            error = raised
