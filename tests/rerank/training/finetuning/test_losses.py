from __future__ import annotations

from collections.abc import Sequence

import pytest

from resift.rerank.training.examples import Contrast, Example, LabelledList, LabelledPair, Pair
from resift.rerank.training.finetuning.losses import TABLE, choose_loss
from resift.rerank.training.finetuning.rows import as_lists, make_rows, positive_share, relevant
from resift.rerank.training.finetuning.settings import LOSSES, TrainSettings, loss_name
from resift.retrieval.errors import SettingsError

PAIRS: list[Example] = [Pair("q", "a"), Pair("r", "b")]
LABELLED: list[Example] = [LabelledPair("q", "a", 1), LabelledPair("r", "b", 1), LabelledPair("q", "c", 0)]
CONTRASTS: list[Example] = [Contrast("q", "a", ("c", "d")), Contrast("r", "b", ("e",))]
SCORED: list[Example] = [LabelledList("q", ("c", "a"), (-4.5, 8.0), (0, 1))]


def rows(name: str, examples: Sequence[Example]) -> list[dict[str, object]]:
    return list(make_rows(examples, TABLE[name]))


def test_every_loss_is_a_class_of_sentence_transformers_with_the_activation_it_needs() -> None:
    from sentence_transformers.cross_encoder import losses

    assert set(TABLE) == set(LOSSES)
    for name, loss in TABLE.items():
        assert hasattr(losses, loss.class_name)
        assert loss_name(loss.class_name) == name
        assert loss.activation == ("Sigmoid" if "multiple-negatives" in name else "Identity")


def test_the_loss_follows_from_the_labels_if_none_is_named() -> None:
    assert choose_loss("auto", PAIRS) == "binary-cross-entropy"
    assert choose_loss("auto", LABELLED) == "binary-cross-entropy"
    assert choose_loss("auto", CONTRASTS) == "binary-cross-entropy"
    assert choose_loss("auto", SCORED) == "list-net"
    assert choose_loss("auto", [LabelledPair("q", "a", 0), LabelledPair("q", "b", 3)]) == "lambda"
    assert choose_loss("auto", [LabelledPair("q", "a", 0.5), LabelledPair("q", "b", -3.25)]) == "mse"


@pytest.mark.parametrize("name", ["mse", "margin-mse"])
@pytest.mark.parametrize("examples", [PAIRS, CONTRASTS])
def test_distillation_needs_scores(name: str, examples: list[Example]) -> None:
    with pytest.raises(
        SettingsError, match=rf"loss: {name} needs a label for each document, .* expected one of binary-"
    ):
        choose_loss(name, examples)


def test_rows_have_the_columns_of_sentence_transformers_in_its_order() -> None:
    assert rows("binary-cross-entropy", CONTRASTS) == [
        {"query": "q", "document": "a", "label": 1.0},
        {"query": "q", "document": "c", "label": 0.0},
        {"query": "q", "document": "d", "label": 0.0},
        {"query": "r", "document": "b", "label": 1.0},
        {"query": "r", "document": "e", "label": 0.0},
    ]
    assert rows("multiple-negatives", PAIRS) == [{"query": "q", "positive": "a"}, {"query": "r", "positive": "b"}]
    assert [list(row) for row in rows("multiple-negatives", CONTRASTS)] == [
        ["query", "positive", "negative_1", "negative_2"]
    ] * 2
    assert rows("multiple-negatives", CONTRASTS)[1]["negative_2"] == "e"  # repeated, as the other row has two


def test_labelled_pairs_become_one_list_per_query_best_label_first() -> None:
    assert rows("lambda", [LabelledPair("q", "c", 0), LabelledPair("r", "b", 1), LabelledPair("q", "a", 2)]) == [
        {"query": "q", "documents": ["a", "c"], "labels": [2.0, 0.0]}
    ]  # the query r has nothing to compare with
    assert rows("rank-net", SCORED) == [{"query": "q", "documents": ["a", "c"], "labels": [8.0, -4.5]}]


def test_margins_are_between_the_best_document_and_each_other() -> None:
    assert rows("margin-mse", [LabelledList("q", ("c", "a", "d"), (-4.5, 8.0, 1.0))]) == [
        {"query": "q", "positive": "a", "negative": "c", "label": [8.0, -4.5]},
        {"query": "q", "positive": "a", "negative": "d", "label": [8.0, 1.0]},
    ]


def test_judgements_take_the_place_of_scores_that_a_loss_cannot_read() -> None:
    assert [row["label"] for row in rows("binary-cross-entropy", SCORED)] == [0.0, 1.0]
    assert rows("lambda", SCORED)[0]["labels"] == [1, 0]
    with pytest.raises(
        SettingsError, match=r"loss: the label -4.5 of the query 'q' is not what it reads \(from 0 to 1\)"
    ):
        rows("binary-cross-entropy", [LabelledList("q", ("c", "a"), (-4.5, 8.0))])
    with pytest.raises(SettingsError, match=r"the label 2 .* lambda for grades"):
        rows("binary-cross-entropy", [LabelledPair("q", "a", 2)])


def test_a_loss_that_compares_needs_something_to_compare() -> None:
    with pytest.raises(SettingsError, match="no query has both relevant and other documents"):
        rows("list-net", [LabelledPair("q", "a", 1), LabelledPair("q", "b", 1)])


def test_a_document_with_two_labels_for_a_query_has_the_highest() -> None:
    assert as_lists([LabelledPair("q", "a", 0), LabelledPair("q", "a", 1)]) == [LabelledList("q", ("a",), (1,))]


def test_relevant_documents_are_judged_ones_else_graded_ones_else_the_teachers_best() -> None:
    assert relevant(LabelledList("q", ("a", "b"), (-1.0, 5.0), (1, 0))) == ["a"]
    assert relevant(LabelledList("q", ("a", "b", "c"), (2, 0, 1))) == ["a", "c"]
    assert relevant(LabelledList("q", ("a", "b"), (-1.0, -5.0))) == ["a"]


def test_the_weight_of_positives_is_the_number_of_negatives_for_each() -> None:
    assert positive_share([{"label": 1.0}, *({"label": 0.0} for _ in range(5))]) == 5.0
    assert positive_share([{"label": 1.0}, {"label": 1.0}, {"label": 0.0}]) == 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loss": "ListMet"}, "loss: 'ListMet' is not a loss; did you mean list-net?"),
        ({"batch_size": 0}, "batch_size: 0 is below 1"),
        ({"learning_rate": float("nan")}, "learning_rate: nan is out of range; expected a number above 0"),
        ({"warmup": 1.5}, "warmup: 1.5 is not a share"),
        ({"held_out": 2.5}, "held_out: 2.5 is out of range; expected a share below 1, or a whole number"),
        ({"save_limit": 1}, "save_limit: 1 is below 2"),
        ({"precision": "half"}, "precision: 'half' is not known"),
        ({"epochs": 1e30}, "epochs: 1e+30 is out of range; expected a number above 0, up to 1,000,000"),
        ({"label_boost": float("inf")}, "label_boost: inf is out of range; expected 0 to 1,000,000"),
        ({"seed": 2**32}, "seed: 4294967296 is out of range"),
        ({"pos_weight": 0.0}, "pos_weight: 0.0 is out of range; expected a number above 0"),
    ],
)
def test_a_setting_out_of_range_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        TrainSettings(**values)  # type: ignore[arg-type]
    assert message in str(raised.value)
