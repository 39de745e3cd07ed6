"""The clients of Cohere and of LangChain.js, installed by npm where it is installed, reach the service."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.callers.programs import Program, need, printed, programs, run
from tests.rerank.service.running import Running

WITH_PACKAGES = [program for program in programs() if program.packages]
NAMES = [program.name for program in WITH_PACKAGES]
INSTALL = "npm install --prefer-offline --no-audit --no-fund --ignore-scripts --fetch-retries=0 --fetch-timeout=20000"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of all programs."""
    need("node")
    need("npm")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text("{}", encoding="utf-8")
    packages = sorted({package for program in WITH_PACKAGES for package in program.packages})
    done = subprocess.run([*INSTALL.split(), *packages], cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"npm cannot install {packages}: {done.stderr.strip()[-300:]}")
    return folder


@pytest.mark.parametrize("program", WITH_PACKAGES, ids=NAMES)
def test_a_client_library_prints_the_documents_in_the_order_of_the_model(
    program: Program, locked_service: Running, expected: list[str], installed: Path
) -> None:
    assert printed(run(program, installed, locked_service.url)) == expected


def test_both_client_libraries_have_a_program() -> None:
    assert NAMES == ["cohere.mjs", "langchain.mjs"]
