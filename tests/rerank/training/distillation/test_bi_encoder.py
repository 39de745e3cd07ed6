"""A bi-encoder joins a cross-encoder as a teacher; alone, or first, it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

from resift.rerank.scorers.lookup import find_folder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.distillation.bi_encoder import BiEncoder, is_bi_encoder
from resift.rerank.training.distillation.job import Distillation
from resift.rerank.training.distillation.request import DistillRequest, DistillStages
from resift.rerank.training.distillation.scores import ListFile
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.distillation.teachers import combine
from resift.rerank.training.quiet_libraries import quiet_libraries
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import save_family, sentences
from tests.rerank.training.distillation.small_teacher import TOKENS

PROMPT = "query: "


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small bi-encoder with a prompt for queries."""
    place = tmp_path_factory.mktemp("bi-encoder")
    with quiet_libraries():
        save_family("bert", place / "bert", max_length=64)
        transformer = Transformer(str(place / "bert"), max_seq_length=64)
        pooling = Pooling(transformer.get_word_embedding_dimension(), pooling_mode="mean")
        model = SentenceTransformer(modules=[transformer, pooling], device="cpu", prompts={"query": PROMPT})
        model.save_pretrained(str(place / "model"))
    return place / "model"


def test_scores_are_the_cosines_of_sentence_transformers(folder: Path) -> None:
    pairs = [(query, text) for query in sentences(2, 3, 2, 4) for text in sentences(5, 4, 3, 8)]
    found = BiEncoder(folder).score(pairs).logits
    model = SentenceTransformer(str(folder), device="cpu")
    queries = model.encode([query for query, _ in pairs], prompt=PROMPT, normalize_embeddings=True)
    texts = model.encode([text for _, text in pairs], normalize_embeddings=True)
    np.testing.assert_allclose(found, (queries * texts).sum(axis=1), atol=1e-5)
    assert found.std() > 0


def test_the_same_scores_come_of_kept_and_of_new_vectors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(query, text) for query in sentences(3, 3, 2, 4) for text in sentences(6, 4, 3, 8)]
    model = BiEncoder(folder)
    first = model.score(pairs).logits
    monkeypatch.setattr("resift.rerank.training.distillation.bi_encoder.MOST_VECTORS", 10)
    parts = [model.score(pairs[start : start + 4]).logits for start in range(0, len(pairs), 4)]
    np.testing.assert_allclose(np.concatenate(parts), first, atol=1e-5)
    np.testing.assert_array_equal(BiEncoder(folder).score([]).logits, [])


def test_cross_encoders_are_told_from_bi_encoders(folder: Path, tmp_path: Path, teacher_folder: Path) -> None:
    assert is_bi_encoder(folder)
    assert not is_bi_encoder(teacher_folder)
    assert not is_bi_encoder(find_folder("default", ScorerSettings()))
    modules = [
        {"type": "sentence_transformers.models.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
        {"type": "sentence_transformers.models.Dense", "path": "2_Dense"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "2_Dense").mkdir()
    (tmp_path / "2_Dense" / "config.json").write_text(json.dumps({"out_features": 1}))
    assert not is_bi_encoder(tmp_path)
    (tmp_path / "2_Dense" / "config.json").write_text(json.dumps({"out_features": 32}))
    assert is_bi_encoder(tmp_path)
    for damaged in ("", "{}", "[1, null]"):
        (tmp_path / "modules.json").write_text(damaged)
        assert not is_bi_encoder(tmp_path)


def test_a_folder_that_cannot_be_loaded_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text((folder / "modules.json").read_text())
    with pytest.raises(ModelError, match="cannot be loaded as a bi-encoder"):
        BiEncoder(tmp_path)


def distil(place: Path, *teachers: str) -> ListFile:
    """Distil one small student, and return the labels that it learned."""
    texts = [{"id": str(number), "text": text} for number, text in enumerate(sentences(60, 1, 3, 8))]
    (place / "docs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in texts))
    request = DistillRequest(
        str(place / "docs.jsonl"), teachers, ("2x16x2",), str(place / "out"), work=str(place / "work"), energy=False
    )
    settings = DistillSettings(max_queries=12, epochs=1.0, pair_tokens=TOKENS, held_out_share=0.2, export=False)
    scorer = ScorerSettings(device="cpu", threads=1)
    return ListFile(Distillation(request, DistillStages(distill=settings, scorer=scorer)).run().scores)


def test_a_student_learns_the_mean_of_a_cross_encoder_and_a_bi_encoder(
    folder: Path, teacher_folder: Path, tmp_path: Path
) -> None:
    from resift.rerank.scorers.load import load_scorer

    lists = list(distil(tmp_path, str(teacher_folder), str(folder)))
    cross = load_scorer(str(teacher_folder), ScorerSettings(device="cpu", max_length=TOKENS))
    cosines = BiEncoder(folder, TOKENS)
    for one in lists:
        pairs = [(one.query, candidate.text) for candidate in one.candidates]
        columns = [np.asarray(member.score(pairs).logits, np.float64) for member in (cross, cosines)]
        np.testing.assert_allclose(one.labels, combine(columns, np.ones(2)), atol=1e-4)


def test_a_bi_encoder_as_the_first_teacher_is_refused(folder: Path, teacher_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="name a cross-encoder as the first teacher"):
        distil(tmp_path, str(folder), str(teacher_folder))
