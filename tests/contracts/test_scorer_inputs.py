"""Texts as corpora have them, and arguments that are wrong: what every row of the scorer registry scores or refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.registry import BACKENDS
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.errors import ModelError, SettingsError
from tests.contracts.protocols import load_class
from tests.contracts.scorer_rows import TOLERANCE, Model

ODD = [
    "",
    " \n\t ",
    "\x00",
    "\x07\x1b[0m\x7f",
    "\ud800",
    "cat \udfff food",
    "🦄👩\u200d👩\u200d👧🏽",
    "日本語の文書です。",
    "مرحبا بالعالم",
    "e\u0301" * 50,
    "\N{RIGHT-TO-LEFT OVERRIDE}cat",
    "\ufeffcat",
    "[SEP] [CLS] [PAD] </s> <s>",
    "<p>cat &amp; dog</p>",
    "x" * 10_000,
    "cat " * 20_000,
]
NOT_PAIRS: list[Any] = [
    [("cat",)],
    [("cat", "dog", "river")],
    [("cat", None)],
    [(b"cat", "dog")],
    [("cat", 1.0)],
    [1],
    [None],
    ["ab"],
    [("cat", "dog"), "ab"],
    "ab",
    "",
    b"ab",
    None,
    7,
    {("cat", "dog"): 1.0},
    {("cat", "dog")},
    np.array([["cat", "dog", "river"]]),
    np.array([[1, 2]]),
    np.array("cat"),
]


def test_odd_texts_are_scored_as_query_and_as_document(scorer: RankingModel) -> None:
    pairs = [
        *(("cat food", text) for text in ODD),
        *((text, "the dog food") for text in ODD),
        *zip(ODD, ODD, strict=True),
    ]
    scores = scorer.score(pairs)
    assert scores.logits.shape == (len(pairs),) and np.isfinite(scores.logits).all()
    alone = [float(scorer.score([pair]).logits[0]) for pair in pairs]
    assert scores.logits == pytest.approx(alone, abs=TOLERANCE)


def test_a_lone_surrogate_is_read_as_a_replacement_character(scorer: RankingModel) -> None:
    odd, plain = scorer.score([("cat \udfff", "dog \ud800"), ("cat \ufffd", "dog \ufffd")]).logits
    assert odd == pytest.approx(plain, abs=TOLERANCE)


def test_a_document_that_does_not_fit_is_cut_at_its_end_and_flagged(model: Model) -> None:
    scorer = model.load(max_length=32)
    same = "river stone " * 40
    scores = scorer.score([("cat", same), ("cat", same + "bread"), ("cat", "bread " + same), ("cat", "river")])
    assert scores.truncated.tolist() == [True, True, True, False]
    assert scores.query_truncated.tolist() == [False] * 4
    assert scores.logits[0] == pytest.approx(scores.logits[1], abs=TOLERANCE)
    assert abs(scores.logits[0] - scores.logits[2]) > 10 * TOLERANCE


def test_a_query_is_cut_only_if_it_leaves_no_room_for_the_document(model: Model) -> None:
    scorer = model.load(max_length=32)
    scores = scorer.score([("cat " * 15, "dog"), ("cat " * 200, "dog " * 200)])
    assert scores.query_truncated.tolist() == [False, True]
    assert scores.truncated.tolist() == [False, True]


def test_max_length_is_the_number_of_tokens_that_are_read(model: Model) -> None:
    text = "river " * 20 + "bread"
    short, long = (model.load(max_length=length).score([("cat", text), ("cat", "river " * 20)]) for length in (16, 64))
    assert short.truncated.tolist() == [True, True] and long.truncated.tolist() == [False, False]
    assert short.logits[0] == pytest.approx(short.logits[1], abs=TOLERANCE)
    assert abs(long.logits[0] - long.logits[1]) > 10 * TOLERANCE


@pytest.mark.parametrize("length", [1, 4, 1_000_000])
def test_a_max_length_that_no_pair_or_no_model_fits_is_refused(model: Model, length: int) -> None:
    with pytest.raises(SettingsError) as caught:
        model.load(max_length=length)
    assert caught.value.field == "max_length" and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("pairs", NOT_PAIRS, ids=repr)
def test_anything_but_a_list_of_pairs_of_strings_is_refused(scorer: RankingModel, pairs: Any) -> None:
    for refuse in (scorer.score, scorer.predict):
        with pytest.raises(SettingsError, match="^pairs: .*pair") as caught:
            refuse(pairs)
        assert caught.value.field == "pairs" and len(str(caught.value).splitlines()) == 1


QUERIES, DOCUMENTS = ["cat", "dog", "cat"], ["dog", "the river", "cat food"]
FORMS: dict[str, Callable[[], Any]] = {
    "list": lambda: list(zip(QUERIES, DOCUMENTS, strict=True)),
    "tuple": lambda: tuple(zip(QUERIES, DOCUMENTS, strict=True)),
    "lists": lambda: [[query, text] for query, text in zip(QUERIES, DOCUMENTS, strict=True)],
    "zip": lambda: zip(QUERIES, DOCUMENTS, strict=True),
    "map": lambda: map(lambda *pair: pair, QUERIES, DOCUMENTS),
    "generator": lambda: (pair for pair in zip(QUERIES, DOCUMENTS, strict=True)),
    "iterator": lambda: iter([list(pair) for pair in zip(QUERIES, DOCUMENTS, strict=True)]),
    "dict values": lambda: dict(enumerate(zip(QUERIES, DOCUMENTS, strict=True))).values(),
    "array": lambda: np.array([QUERIES, DOCUMENTS]).T,
    "array of objects": lambda: np.array([QUERIES, DOCUMENTS], dtype=object).T,
}


@pytest.mark.parametrize("form", FORMS)
def test_pairs_come_in_any_form_that_can_be_iterated_over(scorer: RankingModel, form: str) -> None:
    expected = scorer.score(FORMS["list"]()).logits
    assert len(set(expected.tolist())) == 3
    assert scorer.score(FORMS[form]()).logits.tolist() == expected.tolist()
    assert scorer.predict(FORMS[form](), activation="identity").tolist() == expected.tolist()


def test_iterables_without_members_give_empty_arrays(scorer: RankingModel) -> None:
    nothing: list[Any] = [[], (), iter([]), zip(strict=True), np.empty((0, 2), dtype=str)]
    assert [scorer.predict(pairs).shape for pairs in nothing] == [(0,)] * 5
    assert [scorer.score(pairs).logits.shape for pairs in nothing] == [(0,)] * 5


def test_one_pair_by_itself_is_predicted_as_a_float_and_not_scored(scorer: RankingModel) -> None:
    single: list[Any] = [("cat", "dog"), ["cat", "dog"], np.array(["cat", "dog"])]
    [expected] = scorer.predict([("cat", "dog")]).tolist()
    for pair in single:
        found = scorer.predict(pair)
        assert (type(found), found) == (float, expected)
        with pytest.raises(SettingsError, match="^pairs: expected a list .* got one pair; put it into a list"):
            scorer.score(pair)


@pytest.mark.parametrize("form", [list, tuple, iter, np.array, lambda texts: dict(enumerate(texts)).values()])
def test_documents_come_in_any_form_that_can_be_iterated_over(scorer: RankingModel, form: Callable[[Any], Any]) -> None:
    expected = scorer.rank("cat", DOCUMENTS, return_documents=True)
    found = scorer.rank("cat", form(DOCUMENTS), return_documents=True)
    assert len(expected) == 3 and found == expected


@pytest.mark.parametrize("documents", ["dog", b"dog", None, 7, {"dog": 1}, {"dog"}, ["dog", None], [("cat", "dog")]])
def test_anything_but_a_list_of_strings_is_no_list_of_documents(scorer: RankingModel, documents: Any) -> None:
    with pytest.raises(SettingsError, match="^documents: ") as caught:
        scorer.rank("cat", documents)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_folder_that_is_not_a_model_is_an_error_that_names_it(backend: str, tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("This is not a model.")
    settings = ScorerSettings(backend=backend, device="cpu", offline=True)
    for load in (load_class(BACKENDS[backend]), load_scorer):
        with pytest.raises(ModelError) as caught:
            load(str(tmp_path), settings)
        assert caught.value.path == str(tmp_path) and str(caught.value).startswith(f"{tmp_path}: ")
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_without_the_weights_of_a_backend_is_an_error_that_names_it(
    backend: str, small_model: Path, tmp_path: Path
) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((small_model / name).read_bytes())
    with pytest.raises(ModelError) as caught:
        Model(str(tmp_path), backend).load()
    assert caught.value.path == str(tmp_path) and len(str(caught.value).splitlines()) == 1
