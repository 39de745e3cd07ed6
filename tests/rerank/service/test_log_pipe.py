"""A log that nobody reads stops nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import httpx

PORT_WAIT = 60.0


def test_a_service_answers_while_nobody_reads_its_log() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    read, write = os.pipe()
    command = [sys.executable, "-m", "resift", "serve", "--port", str(port), "--model", "resift-tiny", "--threads", "1"]
    process = subprocess.Popen(command, stderr=write, stdout=subprocess.DEVNULL)
    os.close(write)
    try:
        ends = time.monotonic() + PORT_WAIT
        while time.monotonic() < ends:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200:
                    break
            except httpx.ConnectError:
                time.sleep(0.05)
        with httpx.Client(timeout=30) as client:
            for number in range(600):  # more lines than a pipe holds
                body = {"text_1": "a", "text_2": str(number % 3)}
                assert client.post(f"http://127.0.0.1:{port}/score", json=body).status_code == 200
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(read)
