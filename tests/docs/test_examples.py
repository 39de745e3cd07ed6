"""The examples in the docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import resift


def test_every_example_in_a_docstring_gives_what_it_says() -> None:
    tried = 0
    for module in pkgutil.walk_packages(resift.__path__, "resift."):
        if module.name != "resift.__main__":
            found = doctest.testmod(importlib.import_module(module.name))
            assert found.failed == 0, module.name
            tried += found.attempted
    assert tried > 20
