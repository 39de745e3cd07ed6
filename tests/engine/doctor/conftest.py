"""An OpenSearch for each file of tests, because they change its settings; the file's `PORT` is the engine's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.doctored import filled, own_engine, set_to
from tests.engine.service_hook import KEY
from tests.rerank.attach.doctor.planted import Manner, planted_service


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    with own_engine(request.module.PORT) as url, set_to(url):
        yield url


@pytest.fixture(scope="module")
def target(engine: str) -> Iterator[str]:
    with filled(engine) as url:
        yield url


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with planted_service(Manner(key=KEY)) as url:
        yield url
