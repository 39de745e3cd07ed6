"""The picture of the project is the project."""

from __future__ import annotations

from pathlib import Path

from scripts.write_tree import with_tree

ROOT = Path(__file__).parents[2]


def test_the_tree_of_files_is_the_real_one() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert text == with_tree(text), "run: python -m scripts.write_tree"
