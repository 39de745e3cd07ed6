"""The examples in the docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import resift


def test_every_example_in_a_docstring_gives_what_it_says() -> None:
    tried = 0
    for found in pkgutil.walk_packages(resift.__path__, "resift."):
        module = importlib.import_module(found.name) if found.name != "resift.__main__" else None
        if module and ">>>" in Path(str(module.__file__)).read_text(encoding="utf-8"):
            result = doctest.testmod(module)
            assert result.failed == 0, found.name
            tried += result.attempted
    assert tried > 20
