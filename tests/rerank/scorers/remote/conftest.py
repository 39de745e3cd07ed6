"""A small model on this machine, which the servers of these tests score by; and an environment without keys and certificates."""

from __future__ import annotations

import pytest

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.remote.keys import VARIABLE, VENDOR_VARIABLES
from resift.rerank.scorers.settings import ScorerSettings


@pytest.fixture(scope="session")
def local() -> RankingModel:
    return load_scorer("resift-tiny", ScorerSettings(threads=1))


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
    for name in (*certificates, VARIABLE, *(name for names in VENDOR_VARIABLES.values() for name in names)):
        monkeypatch.delenv(name, raising=False)
