"""The container image: what its Dockerfile copies is enough to install the service, which runs without writing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

from resift.retrieval.extras import EXTRAS
from tests.packaging.installing import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_files_that_the_image_copies_are_enough_to_build_the_wheel(tmp_path: Path) -> None:
    lines = re.findall(r"^COPY (?!--from)(.+) (\S+)$", DOCKERFILE, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for sources, target in lines:
        for source in sources.split():
            assert f"!{source}" in ignored, f".dockerignore leaves out {source}"
            copied = tmp_path / (target if target != "./" else source)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, copied, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, copied)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "built")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    [wheel] = (tmp_path / "built").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "resift/rerank/service/server.py" in names
    assert "resift/rerank/models/resift-small/config.json" in names


def test_the_image_installs_extras_that_exist_and_runs_as_a_plain_user() -> None:
    [extras] = re.findall(r"^ARG EXTRAS=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(extras.split(",")) <= set(EXTRAS)
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)


def test_the_compose_service_has_no_rights_that_it_does_not_need() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    service = compose["services"]["rerank"]
    assert service["read_only"] is True and service["user"] == "10001" and service["cap_drop"] == ["ALL"]
    assert service["ports"] == ["127.0.0.1:8080:8080"]
