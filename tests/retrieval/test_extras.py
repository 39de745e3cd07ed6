"""A message that an extra is missing names a command that installs it from where resift itself came."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from resift.retrieval.extras import EXTRAS, install_line, install_line_of
from tests.docs.functions import FOLDERS, ROOT, python_files

NAMED = "pip install 'torch>=2.4' 'transformers>=4.48' 'safetensors>=0.4.5' 'huggingface-hub>=0.26'"


def install(site: Path, origin: dict[str, Any] | None, installer: str = "pip") -> Path:
    """Write the metadata of an installed resift and one of its files to `site`; return that file."""
    metadata = site / "resift-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: resift\nVersion: 0.1.0\n")
    (metadata / "INSTALLER").write_text(f"{installer}\n")
    if origin is not None:
        (metadata / "direct_url.json").write_text(json.dumps(origin))
    file = site / "resift" / "retrieval" / "extras.py"
    file.parent.mkdir(parents=True)
    file.write_text("")
    return file


def line(site: Path, origin: dict[str, Any] | None, installer: str = "pip", extra: str = "gpu") -> str:
    file = install(site, origin, installer)
    return install_line_of(extra, Distribution.at(site / "resift-0.1.0.dist-info"), file)


GIT = {"vcs": "git", "commit_id": "0123456789abcdef"}
REMOTE = [
    (None, "pip install 'resift[gpu]'"),
    (
        {"url": "https://example.org/resift.git", "vcs_info": GIT | {"requested_revision": "v0.1"}},
        "pip install 'resift[gpu] @ git+https://example.org/resift.git@v0.1'",
    ),
    (
        {"url": "ssh://git@example.org/a/b.git", "vcs_info": GIT, "subdirectory": "python"},
        "pip install 'resift[gpu] @ git+ssh://git@example.org/a/b.git@0123456789abcdef#subdirectory=python'",
    ),
    (
        {"url": "https://me:secret@example.org/resift-0.1.0-py3-none-any.whl", "archive_info": {}},
        "pip install 'resift[gpu] @ https://example.org/resift-0.1.0-py3-none-any.whl'",
    ),
    ({"url": "file:///no/such/folder", "dir_info": {}}, NAMED),
    ({"url": "file:///no/such/folder", "dir_info": {"editable": True}}, NAMED),
    ({"url": "file:///no/such/resift-0.1.0-py3-none-any.whl", "archive_info": {}}, NAMED),
]


@pytest.mark.parametrize(("origin", "expected"), REMOTE, ids=[expected for _, expected in REMOTE])
def test_the_line_names_the_source_that_pip_recorded(
    origin: dict[str, Any] | None, expected: str, tmp_path: Path
) -> None:
    assert line(tmp_path, origin) == expected


def test_a_folder_and_a_wheel_that_still_exist_are_installed_again_with_the_extra(tmp_path: Path) -> None:
    source = tmp_path / "my checkout"
    source.mkdir()
    wheel = tmp_path / "resift-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    assert line(tmp_path / "a", {"url": source.as_uri(), "dir_info": {}}) == f"pip install '{source}[gpu]'"
    assert line(tmp_path / "b", {"url": wheel.as_uri(), "archive_info": {}}) == f"pip install '{wheel}[gpu]'"
    assert line(tmp_path / "c", {"url": wheel.as_uri()}, "uv", "aws") == f"uv pip install '{wheel}[aws]'"


def test_an_editable_installation_stays_editable(tmp_path: Path) -> None:
    origin = {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}
    site = tmp_path / "lib"
    install(site, origin)
    found = Distribution.at(site / "resift-0.1.0.dist-info")
    assert install_line_of("gpu", found, tmp_path / "retrieval" / "extras.py") == f"pip install -e '{tmp_path}[gpu]'"


def test_the_name_resift_is_not_given_to_an_index_if_this_code_did_not_come_from_one(tmp_path: Path) -> None:
    install(tmp_path / "site", None)
    other = Distribution.at(tmp_path / "site" / "resift-0.1.0.dist-info")
    assert install_line_of("gpu", other, tmp_path / "zip" / "resift" / "retrieval" / "extras.py") == NAMED
    assert install_line_of("gpu", None, Path(__file__)) == NAMED
    assert line(tmp_path / "conda", None, installer="conda") == NAMED
    (tmp_path / "site" / "resift-0.1.0.dist-info" / "direct_url.json").write_text("{broken")
    assert install_line_of("gpu", other, tmp_path / "site" / "resift" / "retrieval" / "extras.py") == NAMED


def test_every_extra_that_a_message_names_has_the_requirements_of_pyproject() -> None:
    optional = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {name: list(EXTRAS[name]) for name in EXTRAS} == {name: optional[name] for name in EXTRAS}
    sources = [path.read_text(encoding="utf-8") for path in python_files(*FOLDERS)]
    named = {name for source in sources for name in re.findall(r"install_line\(['\"](\w+)['\"]\)", source)}
    assert {"aws", "corpora", "gpu"} <= named <= set(EXTRAS)


def test_no_other_file_tells_to_install_resift_by_its_name() -> None:
    own = ROOT / "retrieval" / "extras.py"
    sources = {path: path.read_text(encoding="utf-8") for path in python_files(*FOLDERS) if path != own}
    wrong = re.compile(r"pip install '?resift|install resift\[|resift\[\w+\]|its extra \w+")
    assert {str(path): wrong.findall(text) for path, text in sources.items() if wrong.search(text)} == {}


def test_the_running_resift_has_a_line_that_a_shell_reads_as_one_command() -> None:
    program = "from resift.retrieval.extras import install_line; print(install_line('aws'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == install_line("aws") + "\n" and "pip install " in done.stdout
