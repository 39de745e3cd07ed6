"""What the documentation says, a test runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def environment() -> dict[str, str]:
    """The README is read by somebody who has `resift` on the path and no settings of their own."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RESIFT_")}
    return {**plain, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def run(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(arguments, cwd=folder, env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_and_program_of_the_readme_runs_in_its_order(tmp_path: Path) -> None:
    output = run(["bash", "-euo", "pipefail", "-c", "\n".join(blocks("bash"))], tmp_path)
    assert "Track your order" in output and "end-to-end" in output
    assert {path.name for path in tmp_path.iterdir()} >= {"help", "run.trec", "results", "changes.html", "report.html"}
    [shown] = blocks("text")
    printed = {" ".join(line.split()) for line in output.splitlines()}
    assert {" ".join(line.split()) for line in shown.splitlines()} <= printed  # apart from the width of the columns
    for program in blocks("python") * 2:  # a reader runs it again
        assert run([sys.executable, "-c", program], tmp_path).strip()


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/attach.md",
        "docs/callers.md",
        "docs/clients.md",
        "docs/commands.md",
        "docs/doctor.md",
        "docs/documents.md",
        "docs/embedded.md",
        "docs/engine-hooks.md",
        "docs/engines.md",
        "docs/experiments.md",
        "docs/explain.md",
        "docs/models.md",
        "docs/proxy.md",
        "docs/python.md",
        "docs/quality.md",
        "docs/reading.md",
        "docs/remote-models.md",
        "docs/results.md",
        "docs/service.md",
        "docs/templates.md",
        "docs/training.md",
        "demo/README.md",
    ],
)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / name).parent.joinpath(target).exists(), f"{name} links to {target}"


def test_no_placeholder_is_left_in_what_users_read() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "demo" / "README.md"]:
        left = re.findall(r"^(?:FIGURES|TODO.*|TBD.*|XXX.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert left == [], path.name


def test_every_module_that_the_readme_runs_exists() -> None:
    modules = re.findall(r"python -m ([\w.]+)", README)
    assert modules
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
