"""The picture of the project is the project."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from scripts.write_tree import with_tree

ROOT = Path(__file__).parents[2]
LARGEST_MODEL = 25_000_000  # bytes


def test_the_tree_of_files_is_the_real_one() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert text == with_tree(text), "run: python -m scripts.write_tree"


def test_no_file_is_longer_than_300_lines() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = [ROOT / name for name in listed.stdout.splitlines()] or list(ROOT.glob("r*/**/*.py"))
    long = [str(path) for path in files if path.exists() and len(path.read_text(encoding="utf-8").splitlines()) > 300]
    assert long == []


def test_the_wheel_holds_the_one_package_its_types_and_the_model(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("resift-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    tops = {name.split("/")[0] for name in sizes}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"resift"}
    assert "resift/py.typed" in sizes
    model = {name: size for name, size in sizes.items() if name.startswith("resift/rerank/models/resift-minilm-l3/")}
    assert {Path(name).name for name in model} >= {"model.onnx", "tokenizer.json", "config.json", "README.md"}
    assert sum(model.values()) <= LARGEST_MODEL
    assert any(name.endswith("licenses/LICENSE") for name in sizes)
