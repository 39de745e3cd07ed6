"""The examples in the docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import indexer
import rerank
import retrieval


def test_every_example_in_a_docstring_gives_what_it_says() -> None:
    tried = 0
    for package in (retrieval, indexer, rerank):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            found = doctest.testmod(importlib.import_module(module.name))
            assert found.failed == 0, module.name
            tried += found.attempted
    assert tried > 20
