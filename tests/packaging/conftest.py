"""The installed wheel, built once for all tests of the packaging."""

from __future__ import annotations

import pytest

from tests.packaging.installing import Installed, install


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(tmp_path_factory.mktemp("wheel"))
