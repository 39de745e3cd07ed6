"""The OpenAPI document says what the service does: schemathesis makes requests from it, right and wrong ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.rerank.service.running import Running, running_service

ROOT = Path(__file__).parents[3]
HOOKS = "tests.rerank.service.schemathesis_hooks"
KEY = "schemathesis-0123456789"


def run_schemathesis(folder: Path, service: Running, *arguments: str) -> None:
    """Run schemathesis on the document of `service`, and fail with its report if it finds a fault."""
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    bounds = ["--max-examples", "30", "--generation-deterministic", "--request-timeout", "60"]
    # an unknown header is no fault, though the document does not name it
    (folder / "schemathesis.toml").write_text("[generation]\nallow-extra-parameters = false\n", encoding="utf-8")
    done = subprocess.run(
        [*command, f"{service.url}/openapi.json", *bounds, "--no-color", "--continue-on-failure", *arguments],
        cwd=folder,
        env={**os.environ, "NO_PROXY": "*", "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": HOOKS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    assert service.process.poll() is None
    assert not [line for line in service.lines if line["level"] == "error"]


def test_requests_made_from_the_document_are_answered_as_it_says(service: Running, tmp_path: Path) -> None:
    run_schemathesis(tmp_path, service)


def test_with_keys_requests_are_answered_as_the_document_says_and_none_without_a_key(tmp_path: Path) -> None:
    with running_service("--model", "resift-tiny", environment={"RESIFT_SERVICE_KEYS": f"tester:{KEY}"}) as service:
        run_schemathesis(tmp_path, service, "--header", f"Authorization: Bearer {KEY}")
