"""The fixtures that several tests of training use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rerank.training.fake_hub import Hub, running_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A server in place of huggingface.co."""
    with running_hub(monkeypatch) as server:
        yield server
