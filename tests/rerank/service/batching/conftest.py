"""A batcher that admits everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from resift.rerank.service.batching.batcher import Batcher
from tests.rerank.service.batching.lengths_model import batcher


@pytest.fixture
def running() -> Iterator[Batcher]:
    found = batcher()
    yield found
    found.close()
