"""Run torch in a process that was forked, where its threads do not exist any more.

Torch's threads (of OpenMP) belong to the thread that computes. A fork copies that thread's list of them, but not the
threads, so that its next computation waits for them without an end. A new thread has a list of its own, and computes
as fast. ONNX Runtime needs none of this: its caller does the work of threads that do not exist. CUDA cannot be used in
a forked process at all.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from resift.rerank.scorers.model_folder import ModelFolder

T = TypeVar("T")


class _Thread(threading.local):
    """What is known of the current thread."""

    forked = False  # it has lived through a fork, as the one thread of the new process
    helper: ThreadPoolExecutor | None = None  # the thread that computes in its place


class _Process:
    """What is known of the current process."""

    used_cuda = False  # before one of its forks, the process used CUDA
    lost_cuda = False  # so did a process from which this one was forked


_thread, _process = _Thread(), _Process()


def run(function: Callable[[], T]) -> T:
    """Return what `function` returns; it is run in another thread if the current one has lived through a fork."""
    if not _thread.forked:
        return function()
    if _thread.helper is None:
        _thread.helper = ThreadPoolExecutor(1, "resift-forked")
    return _thread.helper.submit(function).result()


def check_cuda(folder: ModelFolder) -> None:
    """Raise ModelError if CUDA was used before this process was forked."""
    if _process.lost_cuda:
        raise folder.error(
            "CUDA was used before this process was forked, and does not work in it; load the model only in the new "
            "process, or start that by 'spawn' instead of 'fork'"
        )


def _before_fork() -> None:
    torch = sys.modules.get("torch")
    _process.used_cuda = torch is not None and hasattr(torch, "cuda") and torch.cuda.is_initialized()


def _after_fork() -> None:
    _thread.forked, _thread.helper = True, None
    _process.lost_cuda = _process.lost_cuda or _process.used_cuda


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
