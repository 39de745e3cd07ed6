"""One place for each row of the retriever registry, and one scorer for each row of the scorer registry."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from resift.retrieval.registry import RETRIEVERS
from tests.contracts.engine_rows import Engines
from tests.contracts.place import Place
from tests.contracts.retriever_rows import PLACES, WITHOUT_AN_ENGINE


def place_cases() -> list[object]:
    """Return a case for each factory of each row; those in an engine have its marker."""
    cases: list[object] = []
    for scheme in RETRIEVERS:
        marks = [] if scheme in WITHOUT_AN_ENGINE else [pytest.mark.engine]
        for name in PLACES.get(scheme, {}):
            cases.append(pytest.param((scheme, name), marks=marks, id=f"{scheme}-{name}"))
    return cases


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    with ExitStack() as stack:
        yield Engines(stack)


@pytest.fixture(scope="session", params=place_cases())
def place(
    request: pytest.FixtureRequest, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    scheme, name = request.param
    if scheme in ("https", "cloud") and not shutil.which("openssl"):
        pytest.skip("needs openssl, which creates the certificate")
    with PLACES[scheme][name](engines, tmp_path_factory.mktemp(scheme)) as found:
        yield found
