"""The source distribution is a working checkout: its tests run, although an archive of it has no links."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.packaging.installing import ROOT, Installed

STAMPS = """echo "-e .[dev] $(cat pyproject.toml constraints.txt | cksum)" >.venv/installed
mkdir .venv-clients
clients="tests/clients/requirements.txt tests/clients/requirements-older.txt"
echo "$(.venv/bin/python --version) $(cat $clients | cksum)" >.venv-clients/installed"""
"""What scripts/test writes when it has made its two environments."""


def bash(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture
def unpacked(installed: Installed, tmp_path: Path) -> Path:
    """Return the unpacked source distribution, with this Python as its environment, so that nothing is downloaded; it has no other clients."""
    with tarfile.open(installed.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    assert bash(STAMPS, folder).returncode == 0
    return folder


def test_the_tests_of_an_unpacked_source_distribution_run_on_its_own_modules(unpacked: Path) -> None:
    assert not (unpacked / "resift" / "retrieval").exists()
    own = f"from resift.retrieval import types\ndef test_own(): assert types.__file__.startswith({str(unpacked)!r})\n"
    (unpacked / "tests" / "test_own.py").write_text(own, encoding="utf-8")
    done = bash("scripts/test tests/retrieval/test_trec_strict.py tests/test_own.py", unpacked)
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_that_git_wrote_as_text_files_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "resift").mkdir()
    for room in ("retrieval", "indexer", "rerank"):
        (tmp_path / "resift" / room).write_text(f"../{room}", encoding="utf-8")
    done = bash(f". {shlex.quote(str(ROOT / 'scripts' / 'environment.sh'))}; require_links", tmp_path)
    assert done.returncode == 1 and "git clone -c core.symlinks=true" in done.stderr
