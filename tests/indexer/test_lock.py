"""A lock keeps other processes away until its file is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resift.indexer.lock import try_lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
ATTEMPT = "import os, sys; from resift.indexer.lock import try_lock; print(try_lock(os.open(sys.argv[1], os.O_RDONLY)))"


def another_process_locks(path: Path) -> str:
    done = subprocess.run([sys.executable, "-c", ATTEMPT, str(path)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_lock_is_held_until_its_file_is_closed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    path.mkdir() if kind == "folder" else path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    assert try_lock(descriptor) is True
    assert another_process_locks(path) == "False"
    os.close(descriptor)
    assert another_process_locks(path) == "True"
