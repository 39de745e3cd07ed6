"""A mine that is full of false negatives is filtered: half of the relevant documents are hidden from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import read_collection
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.mining.anchors import Anchor
from resift.retrieval.bm25.retriever import Bm25Retriever
from scripts.measure_false_negatives import Outcome, hidden_half, measure

SHARED = Path(os.environ.get("RESIFT_SHARED") or Path(__file__).parents[5] / "shared")
TEACHER = SHARED / "models" / "ms-marco-minilm-l12"


Cases = tuple[Bm25Retriever, list[tuple[Anchor, frozenset[str]]]]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """The index of NFCorpus, and eight of its training queries with half of their judgements."""
    if not (SHARED / "collections" / "nfcorpus").is_dir():
        pytest.skip("needs the judged collections of ../shared")
    collection = read_collection(SHARED / "collections" / "nfcorpus", "train")
    folder = tmp_path_factory.mktemp("nfcorpus") / "index"
    build_index(collection.documents(), folder)
    return Bm25Retriever.open(folder), list(hidden_half(collection, 8))


def outcomes(model: str, cases: Cases) -> tuple[Outcome, Outcome]:
    """Return what is mined without and with the default filter of a teacher."""
    scorer = load_scorer(model, ScorerSettings(max_length=96, threads=1))
    return measure(*cases, None, {"ranks": "1-20"}), measure(*cases, scorer, {"ranks": "1-20"})


@pytest.mark.shared
def test_the_embedded_model_removes_most_false_negatives(cases: Cases) -> None:
    without, filtered = outcomes("default", cases)
    assert without.false >= 5
    assert filtered.share < without.share / 1.5
    assert filtered.negatives >= 5


@pytest.mark.shared
@pytest.mark.teacher
def test_a_published_cross_encoder_removes_most_false_negatives(cases: Cases) -> None:
    if not TEACHER.is_dir():
        pytest.skip("needs the published cross-encoder of ../shared/models")
    without, filtered = outcomes(str(TEACHER), cases)
    assert filtered.share < without.share / 1.5
    assert filtered.negatives >= 5
