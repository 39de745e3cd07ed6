from __future__ import annotations

import numpy as np
import pytest

from resift.rerank.training.distillation.candidates import Candidate, CandidateList
from resift.rerank.training.distillation.teachers import Member, Teacher, combine
from resift.retrieval.errors import SettingsError
from tests.rerank.training.distillation.length_scorer import LengthScorer

LIST = CandidateList(
    "cats",
    "q",
    (
        Candidate("a", "x", "head", 9.0),
        Candidate("b", "xx", "head", 5.0),
        Candidate("c", "xxx", "random", None),
    ),
)


def test_one_teacher_gives_its_raw_logits() -> None:
    assert Teacher([Member("length", LengthScorer())]).score([LIST, LIST]) == [(1.0, 2.0, 3.0)] * 2


def test_an_ensemble_orders_by_the_mean_of_z_scores_on_the_scale_of_the_first() -> None:
    # z-scores of 1, 2, 3: -1.2247, 0, 1.2247; of the first stage's 9, 5, 5: 1.4142, -0.7071, -0.7071; by hand
    means = np.array([-1.2247449 + 3 * 1.4142136, 0 - 3 * 0.7071068, 1.2247449 - 3 * 0.7071068]) / 4
    expected = 2.0 + 0.8164966 * (means - means.mean()) / means.std()
    teacher = Teacher([Member("length", LengthScorer(), 1.0), Member("first-stage", None, 3.0)])
    [labels] = teacher.score([LIST])
    assert labels == pytest.approx(expected, abs=1e-5)
    assert (np.mean(labels), np.std(labels)) == pytest.approx((2.0, 0.8164966), abs=1e-5)


def test_a_member_of_another_scale_changes_nothing_by_its_scale() -> None:
    one = Teacher([Member("a", LengthScorer()), Member("b", LengthScorer(1.0))]).score([LIST])
    other = Teacher([Member("a", LengthScorer()), Member("b", LengthScorer(1000.0))]).score([LIST])
    assert one[0] == pytest.approx((1.0, 2.0, 3.0), abs=1e-5)
    assert other[0] == pytest.approx((1.0, 2.0, 3.0), abs=1e-5)


def test_a_member_that_scores_all_alike_has_no_say() -> None:
    scores = [np.array([1.0, 3.0, 2.0]), np.zeros(3)]
    assert combine(scores, np.array([0.5, 0.5])) == pytest.approx([1.0, 3.0, 2.0])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "the first teacher is not a model"),
        ([Member("first-stage", None)], "the first teacher is not a model"),
        ([Member("a", LengthScorer(), -1.0)], "expected weights of 0 or more"),
        ([Member("a", LengthScorer(), 0.0)], "expected weights of 0 or more, not all 0"),
    ],
)
def test_a_teacher_that_cannot_score_is_refused(members: list[Member], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Teacher(members)
