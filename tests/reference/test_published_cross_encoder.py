"""A real published cross-encoder, ms-marco-MiniLM-L-12-v2, through both backends; on the machines that have it.

`shared/models` has it as int8 ONNX; its float32 weights are computed from them, as `scripts/fetch_teacher` does.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder as TheirCrossEncoder

from resift.indexer.corpora import read_collection
from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.retrieval.trec import read_qrels, read_run
from scripts.fetch_teacher.folders import write_model
from scripts.fetch_teacher.published import CROSS_ENCODER
from scripts.fetch_teacher.sources import from_folder

SHARED = Path(os.environ.get("RESIFT_SHARED", Path(__file__).parents[3] / "shared"))
TEACHER = SHARED / "models" / "ms-marco-minilm-l12"
DL19 = SHARED / "collections" / "dl19"
pytestmark = [
    pytest.mark.teacher,
    pytest.mark.skipif(not TEACHER.is_dir(), reason=f"the published cross-encoder is not in {TEACHER}"),
]

BERLIN = "How many people live in Berlin?"
POPULATION = "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."
MUSEUM = "New York City is famous for the Metropolitan Museum of Art."
PAIRS = [
    (BERLIN, POPULATION),
    (BERLIN, "Berlin is well known for its museums."),
    (BERLIN, MUSEUM),
    ("what is the capital of france", "Lyon is the third-largest city of France."),
    ("what is the capital of france", "Paris is the capital and most populous city of France."),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(CROSS_ENCODER, from_folder(CROSS_ENCODER, TEACHER), tmp_path_factory.mktemp("teacher"))


@pytest.fixture(scope="module")
def float32(folder: Path) -> CrossEncoder:
    return CrossEncoder(folder / "float32", ScorerSettings(device="cpu"))


@pytest.fixture(scope="module")
def int8(folder: Path) -> OnnxCrossEncoder:
    return OnnxCrossEncoder(folder / "int8")


def test_the_pairs_of_its_card_get_scores_like_the_published_ones(
    float32: CrossEncoder, int8: OnnxCrossEncoder
) -> None:
    """The original float32 weights give these logits, by the cards of the model and of its conversion for a browser."""
    published = {
        (BERLIN, POPULATION): 9.218911,
        (BERLIN, "Berlin is well known for its museums."): -4.078029,
        (BERLIN, POPULATION.replace("had", "has")): 9.450558,
        (BERLIN, MUSEUM): -11.160483,
    }
    for scorer in (float32, int8):
        assert scorer.predict(list(published)) == pytest.approx(list(published.values()), abs=0.5)
        assert scorer.activation == "identity"


def test_float32_equals_sentence_transformers_on_the_same_folder(folder: Path, float32: CrossEncoder) -> None:
    theirs = TheirCrossEncoder(str(folder / "float32"), device="cpu")
    assert isinstance(theirs.activation_fn, torch.nn.Identity)
    assert float32.predict(PAIRS) == pytest.approx(theirs.predict(PAIRS), abs=1e-4)


def test_both_backends_agree_on_candidates_of_a_real_search(float32: CrossEncoder, int8: OnnxCrossEncoder) -> None:
    if not DL19.is_dir():
        pytest.skip(f"dl19 is not in {DL19.parent}")
    queries = read_collection(DL19, "all").queries[:2]
    run, qrels = read_run(DL19 / "runs" / "bm25.trec"), read_qrels(DL19 / "qrels" / "all.trec")
    texts = {document.doc_id: document.text for document in read_collection(DL19, "all").documents()}
    for query in queries:
        grades = qrels[query.query_id]
        judged = [doc_id for doc_id in run[query.query_id] if doc_id in texts and doc_id in grades]
        relevant = [doc_id for doc_id in judged if grades[doc_id] >= 2][:3]
        others = [doc_id for doc_id in judged if grades[doc_id] == 0][:3]
        pairs = [(query.text, texts[doc_id]) for doc_id in relevant + others]
        exact, rounded = float32.predict(pairs), int8.predict(pairs)
        # int8 rounds; a processor without VNNI also saturates the sums of the classifier
        assert np.abs(exact - rounded).max() < 0.8
        apart = exact[:, None] - exact[None, :]  # (n, n)
        assert ((rounded[:, None] > rounded[None, :]) == (apart > 0))[np.abs(apart) > 1.0].all()
        assert len(pairs) > 3
