"""The bounded queue runs work in order, refuses what has no room, and survives errors and forks."""

from __future__ import annotations

import contextlib
import os
import signal
import threading

import pytest

from resift.rerank.work_queue import QueueFullError, WorkQueue
from tests.rerank.forks import fork


def test_work_runs_in_the_order_of_submission() -> None:
    done: list[int] = []
    queue = WorkQueue(capacity=50)
    futures = [queue.submit(lambda n=n: done.append(n)) for n in range(50)]  # type: ignore[misc]
    for future in futures:
        future.result(timeout=20)
    assert done == list(range(50))


def test_a_full_queue_refuses_and_has_room_again_afterwards() -> None:
    gate = threading.Event()
    queue = WorkQueue(capacity=2)
    waiting = [queue.submit(gate.wait) for _ in range(2)]
    with pytest.raises(QueueFullError, match="2 pieces of work wait already"):
        queue.submit(gate.wait)
    gate.set()
    assert [future.result(timeout=20) for future in waiting] == [True, True]
    assert queue.submit(lambda: "room").result(timeout=20) == "room"


def test_cancelled_work_gives_its_room_back_and_does_not_run() -> None:
    gate, done = threading.Event(), list[int]()
    queue = WorkQueue(capacity=2)
    running = queue.submit(gate.wait)
    assert queue.submit(lambda: done.append(1)).cancel()
    last = queue.submit(lambda: done.append(2))
    gate.set()
    running.result(timeout=20)
    last.result(timeout=20)
    assert done == [2]


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt()])
def test_an_exit_inside_the_work_is_an_error_of_that_work_alone(raised: BaseException) -> None:
    def fail() -> None:
        raise raised

    queue = WorkQueue(capacity=2)
    with pytest.raises(RuntimeError, match=type(raised).__name__):
        queue.submit(fail).result(timeout=20)
    assert queue.submit(lambda: 1).result(timeout=20) == 1


def test_what_the_work_raises_is_the_futures_exception() -> None:
    def fail() -> None:
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        WorkQueue(capacity=1).submit(fail).result(timeout=20)


def test_a_closed_queue_has_finished_its_work() -> None:
    done: list[int] = []
    queue = WorkQueue(capacity=5)
    for n in range(5):
        queue.submit(lambda n=n: done.append(n))  # type: ignore[misc]
    queue.close()
    assert done == [0, 1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_its_own_worker_and_room() -> None:
    gate = threading.Event()
    queue = WorkQueue(capacity=1)
    running = queue.submit(gate.wait)
    child = fork()
    if not child:
        signal.alarm(20)  # ends a child that waits for its parent's thread
        try:
            os._exit(0 if queue.submit(lambda: 7).result(timeout=10) == 7 else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gate.set()
    assert running.result(timeout=20)


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_process_that_is_forked_while_threads_submit_work_can_submit_work() -> None:
    queue = WorkQueue(capacity=2)
    stop = threading.Event()

    def submit() -> None:
        while not stop.is_set():
            with contextlib.suppress(QueueFullError):
                queue.submit(int)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    endings = []
    for _ in range(10):
        child = fork()
        if not child:
            signal.alarm(20)  # ends a child that waits for a lock that no thread releases
            try:
                os._exit(0 if queue.submit(lambda: 7).result(timeout=10) == 7 else 1)
            except BaseException:
                os._exit(2)
        endings.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    stop.set()
    for thread in threads:
        thread.join()
    assert endings == [0] * 10
