"""A distillation of the published ms-marco-MiniLM-L-12-v2 at the smallest scale; on the machines that have it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.distillation.job import Distillation
from resift.rerank.training.distillation.loading import load_network
from resift.rerank.training.distillation.refit import refit, unexplained
from resift.rerank.training.distillation.request import DistillRequest, DistillStages
from resift.rerank.training.distillation.scores import ListFile
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.distillation.students import make_student, read_plan
from tests.rerank.training.distillation.small_teacher import padded

SHARED = Path(os.environ.get("RESIFT_SHARED", Path(__file__).parents[5] / "shared"))
TEACHER = SHARED / "models" / "ms-marco-minilm-l12"
pytestmark = [
    pytest.mark.teacher,
    pytest.mark.skipif(not TEACHER.is_dir(), reason=f"the published cross-encoder is not in {TEACHER}"),
]

TEXTS = {
    "Bread": "Bread is baked from a dough of flour, water and yeast. The dough must rise in a warm place.",
    "Coffee": "Coffee is brewed from roasted beans. A finer grind makes the cup stronger.",
    "Tides": "The pull of the moon raises the sea twice a day. Spring tides come at full moon.",
    "Bees": "Bees collect nectar and make honey. A hive has one queen and many workers.",
    "Rust": "Iron rusts where water and air reach it. Paint or zinc keeps both away.",
    "Chess": "A game of chess begins with white. The king must never be left in check.",
    "Vaccines": "A vaccine shows the body a harmless part of a virus. The body then makes antibodies.",
    "Glass": "Glass is melted sand with soda and lime. It is blown or poured while it is hot.",
}


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Distil, and return the file of the teacher's scores."""
    place = tmp_path_factory.mktemp("published")
    lines = [json.dumps({"id": title, "title": title, "text": text}) for title, text in TEXTS.items()]
    (place / "docs.jsonl").write_text("\n".join(lines) + "\n")
    settings = DistillSettings(
        epochs=0.5,
        pair_tokens=48,
        refit_pairs=24,
        head_documents=2,
        middle_documents=0,
        random_documents=2,
        export=False,
    )
    request = DistillRequest(
        str(place / "docs.jsonl"), (str(TEACHER),), ("two=teacher:2", "tiny=2x128"), str(place / "out"), energy=False
    )
    stages = DistillStages(distill=settings, scorer=ScorerSettings(device="cpu", threads=1))
    found = Distillation(request, stages).run()
    assert [one.parameters for one in found.students] == [15_615_745, 4_386_049]  # BERT-tiny has 4.4 M
    assert all(np.isfinite(list(one.after.values())).all() and one.pairs > 0 for one in found.students)
    return found.scores


def test_scores_are_the_raw_logits_that_the_published_model_gives(scores: Path) -> None:
    lists = list(ListFile(scores))
    pairs = [(one.query, candidate.text) for one in lists for candidate in one.candidates]
    labels = np.array([label for one in lists for label in one.labels])
    # int8 depends on the batch's longest pair, hence the tolerance
    assert labels == pytest.approx(load_scorer(str(TEACHER)).score(pairs).logits, abs=0.5)
    assert labels.max() > 3.0
    assert labels.min() < -9.0


def test_its_int8_weights_begin_a_student_that_a_fit_brings_nearer(scores: Path) -> None:
    lists = list(ListFile(scores))
    teacher = load_network(str(TEACHER))
    batches = padded(teacher, lists[:6])
    student = make_student(read_plan("teacher:2"), teacher, ScorerSettings(), refit=True)
    before = unexplained(student.network.model, teacher.model, student.matched, batches)
    after = refit(student.network.model, teacher.model, student.matched, batches)
    assert all(new < old / 2 for new, old in zip(after, before, strict=True)), (before, after)
