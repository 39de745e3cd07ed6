from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.distillation.agreement import agree
from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.curve import fit_curve
from resift.rerank.training.distillation.drawing import Drawing
from resift.rerank.training.distillation.learner import Learner
from resift.rerank.training.distillation.loading import Network
from resift.rerank.training.distillation.losses import label_error, margin_error, states_error
from resift.rerank.training.distillation.progress import Progress
from resift.rerank.training.distillation.refit import refit
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.distillation.students import make_student, read_plan
from resift.rerank.training.distillation.trainer import Online, Trainer
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.training.distillation.small_teacher import TOKENS, padded

SETTINGS = DistillSettings(
    epochs=4,
    group_size=4,
    step_groups=4,
    pair_tokens=TOKENS,
    learning_rate=2e-3,
    fresh_rate=2e-3,
    logit_weight=1.0,
    margin_weight=1.0,
    mini_batch=16,
    checkpoint_seconds=0.0,
)
HELD_OUT = 8


class Killed(Exception):
    """Raised in the middle of a training; what is then on the disk is what a kill leaves."""


def trainer(
    plans: str,
    teacher: Network,
    lists: list[CandidateList],
    path: Path,
    settings: DistillSettings = SETTINGS,
    online: bool = True,
) -> Trainer:
    students = [make_student(read_plan(plan), teacher, ScorerSettings()) for plan in plans.split()]
    train = lists[HELD_OUT:]
    drawing = Drawing(train, range(len(train)), settings.seed)
    learners = [Learner(student, settings) for student in students]
    return Trainer(learners, drawing, lists[:HELD_OUT], settings, path, Online(teacher) if online else None)


def weights(made: Trainer) -> dict[str, torch.Tensor]:
    return {
        f"{learner.student.name} {name}": value.clone()
        for learner in made.learners
        for name, value in learner.model.state_dict().items()
    }


def errors(progress: Progress, name: str) -> list[float]:
    return [row["students"][name]["error"] for row in progress.curve]


def test_a_student_of_every_second_layer_approaches_its_teacher(
    teacher: Network, lists: list[CandidateList], tmp_path: Path
) -> None:
    progress = trainer("teacher:2", teacher, lists, tmp_path / "c").run()
    found = errors(progress, "teacher-2")
    assert found[-1] < found[0] / 10, found
    after = progress.curve[-1]["students"]["teacher-2"]
    before = progress.curve[0]["students"]["teacher-2"]
    assert after["within"] > before["within"]
    assert after["order"] > 0.85


def test_a_fresh_student_learns_from_the_scores_alone(
    teacher: Network, lists: list[CandidateList], tmp_path: Path
) -> None:
    settings = dataclasses.replace(SETTINGS, learning_rate=2e-2, fresh_rate=2e-2, frozen_words=False)
    progress = trainer("2x16x2", teacher, lists, tmp_path / "c", settings, online=False).run()
    found = errors(progress, "fresh-2x16x2")
    assert found[-1] < found[0] / 4, found


def test_several_students_share_a_training_and_each_learns_as_it_does_alone(
    teacher: Network, lists: list[CandidateList], tmp_path: Path
) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=0.5)
    together = trainer("teacher:2 2x16x2", teacher, lists, tmp_path / "both", settings)
    together.run()
    alone = trainer("teacher:2", teacher, lists, tmp_path / "one", settings)
    alone.run()
    found = weights(together)
    for name, value in weights(alone).items():
        assert (found[name] - value).abs().max() < 1e-6
    assert [row["pairs"] for row in together.progress.curve] == [row["pairs"] for row in alone.progress.curve]


def test_a_killed_training_resumes_to_equal_weights(
    teacher: Network, lists: list[CandidateList], tmp_path: Path
) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=1)
    whole = trainer("teacher:2 2x16x2", teacher, lists, tmp_path / "whole", settings)
    whole.run()

    def kill(pairs: int) -> None:
        if pairs >= 3 * 16:
            raise Killed

    with pytest.raises(Killed):
        trainer("teacher:2 2x16x2", teacher, lists, tmp_path / "killed", settings).run(kill)
    resumed = trainer("teacher:2 2x16x2", teacher, lists, tmp_path / "killed", settings)
    assert 0 < resumed.progress.step < whole.progress.step
    resumed.run()
    found = weights(resumed)
    for name, value in weights(whole).items():
        assert (found[name] - value).abs().max() <= 1e-6, name
    assert resumed.progress.log == whole.progress.log
    assert resumed.progress.curve == whole.progress.curve


def test_a_finished_training_is_not_repeated(teacher: Network, lists: list[CandidateList], tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=0.5)
    first = trainer("2x16x2", teacher, lists, tmp_path / "c", settings, online=False)
    first.run()
    again = trainer("2x16x2", teacher, lists, tmp_path / "c", settings, online=False)
    steps: list[int] = []
    assert again.run(steps.append).step == first.progress.step
    assert steps == []


def test_a_damaged_checkpoint_is_refused(teacher: Network, lists: list[CandidateList], tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"PK not a checkpoint")
    with pytest.raises(ModelError, match="the checkpoint cannot be used"):
        trainer("2x16x2", teacher, lists, tmp_path / "c", online=False)


def test_a_fitted_student_begins_nearer_to_its_teacher(
    teacher: Network, lists: list[CandidateList], tmp_path: Path
) -> None:
    copied = trainer("teacher:2", teacher, lists, tmp_path / "a")
    student = make_student(read_plan("teacher:2"), teacher, ScorerSettings(), refit=True)
    refit(student.network.model, teacher.model, student.matched, padded(teacher, lists[HELD_OUT:]))
    fitted = Learner(student, SETTINGS)
    before = copied.agreement(copied.learners[0])
    assert copied.agreement(fitted).error < before.error / 10


def test_unscored_lists_are_scored_beside_the_training_and_refused_without_a_teacher(
    teacher: Network, lists: list[CandidateList], tmp_path: Path
) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=0.25, group_size=8)
    unscored = [*lists[:HELD_OUT], *(dataclasses.replace(one, labels=()) for one in lists[HELD_OUT:])]
    beside = trainer("teacher:2", teacher, unscored, tmp_path / "a", settings)
    beside.run()
    before = trainer("teacher:2", teacher, lists, tmp_path / "b", settings)
    before.run()
    found = weights(beside)
    for name, value in weights(before).items():
        assert (found[name] - value).abs().max() < 1e-6
    with pytest.raises(SettingsError, match="the lists are not scored, and no teacher"):
        trainer("teacher:2", teacher, unscored, tmp_path / "c", settings, online=False).run()


def test_shorter_pairs_are_scored_by_the_teacher_as_they_are_read(
    teacher: Network, lists: list[CandidateList], tmp_path: Path
) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=0.5, lengths="12:1,48:1", learning_rate=1e-9)
    progress = trainer("teacher", teacher, lists, tmp_path / "a", settings).run()
    # a copy of the teacher has no error, whatever part of a pair both read
    [row] = [row["students"]["teacher"] for row in progress.log]
    assert row["logits"] + row["margins"] + row["states"] < 1e-6
    assert progress.tokens < progress.pairs * 20
    with pytest.raises(SettingsError, match="other lengths than those scored need a single BERT"):
        trainer("2x16x2", teacher, lists, tmp_path / "b", settings, online=False)


def test_every_list_is_drawn_once_per_pass() -> None:
    lists = [CandidateList(str(number), str(number), ()) for number in range(10)]
    unused = [CandidateList("not trained on", "x", ())]
    drawing = Drawing([*lists, *unused], range(10), seed=3)
    drawn = [one.query for _ in range(5) for one in drawing.draw(4)]
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == sorted(str(number) for number in range(10))
    assert drawn[:10] != drawn[10:]
    resumed = Drawing([*lists, *unused], range(10), seed=3, cursor=8)
    assert [one.query for one in resumed.draw(4)] == drawn[8:12]


def test_margins_are_those_of_all_pairs_of_a_query() -> None:
    made, wanted = torch.tensor([3.0, 1.0, 5.0, 0.0, 2.0]), torch.tensor([1.0, 2.0, 0.0, 0.0, 7.0])
    queries = torch.tensor([0, 0, 0, 1, 1])
    expected = sum(
        float(((made[a] - made[b]) - (wanted[a] - wanted[b])) ** 2)
        for a in range(5)
        for b in range(5)
        if queries[a] == queries[b]
    )
    assert float(margin_error(made, wanted, queries)) == pytest.approx(expected)


def test_labels_count_as_a_cross_entropy_over_the_query() -> None:
    logits, queries = torch.tensor([2.0, 0.0, 1.0, 9.0]), torch.tensor([0, 0, 0, 1])
    relevance = torch.tensor([1, 0, 0, -1])
    expected = torch.nn.functional.cross_entropy(logits[None, :3], torch.tensor([0]))
    assert float(label_error(logits, relevance, queries)) == pytest.approx(float(expected))


def test_states_at_padding_do_not_count() -> None:
    own, wanted = [torch.zeros(1, 3, 2), torch.zeros(1, 1, 2)], [torch.zeros(1, 3, 2), torch.zeros(1, 3, 2)]
    wanted[0][0, 2] = 5.0
    mask = torch.tensor([[1, 1, 0]])
    assert float(states_error(own, wanted, mask)) == 0.0
    assert float(states_error(own, wanted, torch.ones(1, 3, dtype=torch.int64))) == 25.0


def test_agreement_is_that_of_numpy() -> None:
    random = np.random.default_rng(1)
    own, wanted = [random.normal(size=5) for _ in range(3)], [random.normal(size=5) for _ in range(3)]
    found = agree(own, wanted)
    flat, aims = np.concatenate(own), np.concatenate(wanted)
    assert found.error == pytest.approx(np.square(flat - aims).mean())
    assert found.pearson == pytest.approx(np.corrcoef(flat, aims)[0, 1])
    assert found.within == pytest.approx(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(own, wanted, strict=True)]))
    same = [
        (a[i] - a[j]) * (b[i] - b[j]) > 0 for a, b in zip(own, wanted, strict=True) for i in range(5) for j in range(i)
    ]
    assert found.order == pytest.approx(np.mean(same))


def test_a_power_law_is_found_and_a_curve_without_one_is_not() -> None:
    pairs = [100, 200, 400, 800, 1600, 3200]
    fit = fit_curve(pairs, [0.1 + 4.0 * count**-0.5 for count in pairs])
    assert fit is not None
    assert (fit.floor, fit.exponent) == pytest.approx((0.1, 0.5), abs=1e-3)
    assert fit.at(12800) == pytest.approx(0.1 + 4.0 * 12800**-0.5, abs=1e-3)
    assert fit.expected(0.2, 3200, 1) == pytest.approx(0.2)
    assert fit_curve(pairs, [1.0, 9.0, 0.1, 7.0, 0.2, 5.0]) is None
    assert fit_curve(pairs, [1.0, 1.05, 0.95, 1.02, 0.98, 1.0]) is None  # level, but for chance
    assert fit_curve(pairs[:3], [3.0, 2.0, 1.0]) is None
