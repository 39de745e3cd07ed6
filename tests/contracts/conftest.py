"""One place for each row of the retriever registry, and one scorer for each row of the scorer registry."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.registry import BACKENDS, MODELS
from resift.retrieval.registry import RETRIEVERS
from tests.contracts.engine_rows import Engines
from tests.contracts.place import Place
from tests.contracts.retriever_rows import PLACES, WITHOUT_AN_ENGINE
from tests.contracts.scorer_rows import WEIGHTS, Model, ServedModel
from tests.rerank.scorers.small_models import save_family


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


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small BERT and the weights for every backend."""
    folder = save_family("bert", tmp_path_factory.mktemp("small"))
    for add_weights in WEIGHTS.values():
        add_weights(folder)
    return folder


@pytest.fixture(scope="session", params=[*(backend for backend in BACKENDS if backend in WEIGHTS), *MODELS, "remote"])
def model(request: pytest.FixtureRequest, small_model: Path) -> Iterator[Model]:
    """The small model on each backend and on a server, and each model of the package."""
    with ExitStack() as servers:
        if request.param == "remote":
            yield ServedModel.start(Model(str(small_model), "auto"), servers)
        elif request.param in MODELS:
            yield Model(request.param, "auto")
        else:
            yield Model(str(small_model), request.param)


@pytest.fixture(scope="session")
def scorer(model: Model) -> RankingModel:
    return model.load()
