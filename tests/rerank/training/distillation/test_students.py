from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.distillation.batches import TokenBatches
from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.loading import Network, load_network, save_network
from resift.rerank.training.distillation.network import forward
from resift.rerank.training.distillation.refit import refit, unexplained
from resift.rerank.training.distillation.students import ends, make_student, read_plan, spread, word_table_parts
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.scorers.small_models import save_family
from tests.rerank.training.distillation.small_teacher import TOKENS, logits, padded

SETTINGS = ScorerSettings()


def test_the_forward_pass_gives_what_transformers_gives(teacher: Network, lists: list[CandidateList]) -> None:
    pairs = [(one.query, candidate.text) for one in lists[:3] for candidate in one.candidates]
    [*labels] = (label for one in lists[:3] for label in one.labels)
    assert labels == pytest.approx(logits(teacher, pairs), abs=1e-5)


def test_a_model_that_is_not_a_bert_runs_as_transformers_runs_it(tmp_path: Path) -> None:
    network = load_network(save_family("distilbert", tmp_path / "m"))
    pairs = [("cat food", "the market"), ("a", "river stone bridge")]
    [(rows, batch)] = TokenBatches.of(network.encoder(TOKENS), pairs, 2)
    made = forward(network.model, batch)
    assert made.states == []
    assert made.logits.detach().numpy() == pytest.approx(logits(network, pairs)[rows], abs=1e-5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("teacher:6", ("teacher-6", "teacher", (), 6, None)),
        ("org/name:2,4", ("name-2-4", "org/name", (2, 4), 0, None)),
        ("tiny=2x128", ("tiny", "", (), 0, (2, 128, 2))),
        ("4x384x6", ("fresh-4x384x6", "", (), 0, (4, 384, 6))),
        ("models/my model", ("my-model", "models/my model", (), 0, None)),
        (r"C:\models\base", ("base", r"C:\models\base", (), 0, None)),
    ],
)
def test_a_plan_is_read(text: str, expected: tuple[object, ...]) -> None:
    plan = read_plan(text)
    assert (plan.name, plan.base, plan.layers, plan.count, plan.shape) == expected


@pytest.mark.parametrize("text", ["", "teacher:4,2", "teacher:0", "2x100x3", "0x128"])
def test_a_plan_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        read_plan(text)


def test_layers_are_spread_evenly() -> None:
    assert spread(6, 12, middle=False) == (1, 3, 5, 7, 9, 11)
    assert spread(6, 12, middle=True) == (0, 2, 4, 6, 8, 10)
    assert spread(4, 12, middle=True) == (1, 4, 7, 10)
    assert spread(5, 12, middle=False)[-1] == 11
    assert ends((0, 1, 2, 4, 7, 11), 12) == (0, 1, 2, 4, 7, 11)
    with pytest.raises(SettingsError, match="13 layers of 12"):
        spread(13, 12, middle=False)


def test_a_student_of_all_layers_is_its_teacher(teacher: Network, lists: list[CandidateList]) -> None:
    student = make_student(read_plan("teacher:4"), teacher, SETTINGS)
    pairs = [(one.query, candidate.text) for one in lists[:2] for candidate in one.candidates]
    assert logits(student.network, pairs) == pytest.approx(logits(teacher, pairs), abs=1e-6)
    assert (student.matched, student.reduced) == ((0, 1, 2, 3), False)


def test_training_a_student_of_the_teacher_leaves_the_teacher_as_it_is(teacher: Network) -> None:
    student = make_student(read_plan("teacher"), teacher, SETTINGS)
    before = teacher.model.classifier.weight.clone()
    with torch.no_grad():
        student.network.model.classifier.weight.add_(1.0)
    assert torch.equal(teacher.model.classifier.weight, before)


def test_named_layers_are_those_of_the_base(teacher: Network) -> None:
    student = make_student(read_plan("teacher:1,3"), teacher, SETTINGS)
    for place, layer in enumerate((0, 2)):
        own = student.network.model.bert.encoder.layer[place].state_dict()
        for name, value in teacher.model.bert.encoder.layer[layer].state_dict().items():
            assert torch.equal(own[name], value)
    assert student.matched == (1, 3)


def test_layers_that_the_teacher_does_not_have_are_refused(teacher: Network) -> None:
    with pytest.raises(SettingsError, match="teacher has 4 layers, so there is no layer 9"):
        make_student(read_plan("teacher:1,9"), teacher, SETTINGS)


def test_a_fit_explains_much_more_of_the_teachers_states_than_a_copy(
    teacher: Network, lists: list[CandidateList]
) -> None:
    fitted_on, held_out = padded(teacher, lists[:20]), padded(teacher, lists[20:])
    copied = make_student(read_plan("teacher:2"), teacher, SETTINGS)
    fitted = make_student(read_plan("teacher:2"), teacher, SETTINGS, refit=True)
    refit(fitted.network.model, teacher.model, fitted.matched, fitted_on)
    before = unexplained(copied.network.model, teacher.model, copied.matched, held_out)
    after = unexplained(fitted.network.model, teacher.model, fitted.matched, held_out)
    assert all(new < old / 3 for new, old in zip(after, before, strict=True)), (before, after)


def test_a_fit_reports_what_is_left_unexplained(teacher: Network, lists: list[CandidateList]) -> None:
    batches = padded(teacher, lists[:10])
    student = make_student(read_plan("teacher:2"), teacher, SETTINGS, refit=True)
    reported = refit(student.network.model, teacher.model, student.matched, batches)
    assert reported == pytest.approx(
        unexplained(student.network.model, teacher.model, student.matched, batches), abs=1e-4
    )


def test_the_word_table_of_a_fresh_student_keeps_the_directions_in_which_words_differ_most(teacher: Network) -> None:
    words = teacher.model.bert.embeddings.word_embeddings.weight.detach().double().numpy()
    centred = words - words.mean(0)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)  # an independent way to the components
    table = np.asarray(word_table_parts(teacher.model, 16)["word_embeddings"], dtype=np.float64)
    kept = centred @ directions[:16].T
    assert np.abs(np.abs(table - table.mean(0)) - np.abs(kept)).max() < 1e-4
    variance = ((table - table.mean(0)) ** 2).sum() / (centred**2).sum()
    assert variance == pytest.approx((values[:16] ** 2).sum() / (values**2).sum(), abs=1e-6)


def test_a_fresh_student_has_its_shape_and_the_teachers_words(teacher: Network) -> None:
    student = make_student(read_plan("2x16x4"), teacher, SETTINGS)
    config = student.network.model.config
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (2, 16, 4)
    assert config.vocab_size == teacher.model.config.vocab_size
    assert student.matched == ()


def test_a_saved_student_scores_the_same_in_resift(
    teacher: Network, lists: list[CandidateList], tmp_path: Path
) -> None:
    student = make_student(read_plan("teacher:2"), teacher, SETTINGS)
    save_network(student.network, tmp_path / "student", TOKENS)
    scorer = load_scorer(str(tmp_path / "student"), ScorerSettings(device="cpu"))
    pairs = [(one.query, candidate.text) for one in lists[:2] for candidate in one.candidates]
    assert scorer.max_length == TOKENS
    assert scorer.activation == "identity"
    assert scorer.score(pairs).logits == pytest.approx(logits(student.network, pairs), abs=1e-4)


def test_a_teacher_of_another_kind_cannot_lend_layers(tmp_path: Path) -> None:
    network = load_network(save_family("distilbert", tmp_path / "m"))
    with pytest.raises(ModelError, match="only the layers of a BERT can be chosen"):
        make_student(read_plan("teacher:1"), network, SETTINGS)


def test_layers_of_a_model_that_torch_cannot_train_are_refused() -> None:
    with pytest.raises(SettingsError, match="not a single model that torch can train"):
        make_student(read_plan("teacher:2"), None, SETTINGS)


def test_a_new_layer_attends_from_a_word_most_to_the_same_word(teacher: Network) -> None:
    student = make_student(read_plan("2x16x2"), teacher, SETTINGS).network
    [(_, batch)] = TokenBatches.of(student.encoder(TOKENS), [("cat food market", "bread cat stone market")], 1)
    ids = batch["input_ids"][0]
    for layer, states in zip(student.model.bert.encoder.layer, forward(student.model, batch).states, strict=False):
        attention = layer.attention.self
        likeness = (attention.query(states) @ attention.key(states).transpose(1, 2))[0]
        same = ids[:, None] == ids[None, :]
        assert bool((torch.where(same, likeness, -torch.inf).max(1).values >= likeness.max(1).values - 1e-4).all())
