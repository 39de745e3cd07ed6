"""Calls that are written for sentence-transformers give the same results here, or are refused with what to use."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder as TheirCrossEncoder

from resift.rerank.scorers.call_options import PredictArguments, RankArguments
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.retrieval.errors import SettingsError
from tests.rerank.scorers.small_models import save_family, sentences

QUERY, DOCUMENTS = "cat food", sentences(9, seed=3)
PAIRS = [(query, text) for query in (QUERY, "price of coffee") for text in DOCUMENTS]

PROMPTS = {"search": "find the ", "other": "dog dog "}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that has two prompts."""
    made = save_family("bert", tmp_path_factory.mktemp("model"))
    (made / "config_sentence_transformers.json").write_text(json.dumps({"prompts": PROMPTS}))
    return made


@pytest.fixture(scope="module")
def ours(folder: Path) -> CrossEncoder:
    return CrossEncoder(folder)


@pytest.fixture(scope="module")
def theirs(folder: Path) -> TheirCrossEncoder:
    made: TheirCrossEncoder = TheirCrossEncoder(str(folder), device="cpu", prompts=PROMPTS)
    return made


FORMS: list[Callable[[], Any]] = [
    lambda: PAIRS,
    lambda: [list(pair) for pair in PAIRS],
    lambda: tuple(PAIRS),
    lambda: np.array(PAIRS),
    lambda: np.array(PAIRS[0]),
    lambda: PAIRS[0],
    lambda: list(PAIRS[0]),
    lambda: [PAIRS[0]],
]


@pytest.mark.parametrize("form", FORMS)
def test_pairs_of_any_form_score_as_sentence_transformers_scores_them(
    form: Callable[[], Any], ours: CrossEncoder, theirs: TheirCrossEncoder
) -> None:
    found, expected = ours.predict(form()), theirs.predict(form())
    assert np.shape(found) == np.shape(expected)
    assert found == pytest.approx(expected, abs=1e-5)


def test_iterators_of_pairs_score_as_sentence_transformers_scores_their_list(
    ours: CrossEncoder, theirs: TheirCrossEncoder
) -> None:
    queries, texts = zip(*PAIRS, strict=True)
    iterators: list[Any] = [zip(queries, texts, strict=True), (pair for pair in PAIRS), map(list, PAIRS)]
    expected = theirs.predict(PAIRS)
    for pairs in iterators:
        assert ours.predict(pairs) == pytest.approx(expected, abs=1e-5)


SAME: list[dict[str, Any]] = [
    {"batch_size": 3},
    {"batch_size": 1, "show_progress_bar": False},
    {"show_progress_bar": None},
    {"activation_fn": torch.nn.Identity()},
    {"activation_fn": torch.nn.Sigmoid()},
    {"activation_fn": None, "apply_softmax": True},
    {"convert_to_numpy": True, "convert_to_tensor": False},
    {"prompt_name": "other"},
    {"prompt_name": "other", "prompt": "river "},
    {"device": None, "pool": None, "chunk_size": None},
]


@pytest.mark.parametrize("arguments", SAME, ids=repr)
def test_an_argument_of_predict_does_what_it_does_there(
    arguments: dict[str, Any], ours: CrossEncoder, theirs: TheirCrossEncoder
) -> None:
    assert ours.predict(PAIRS, **arguments) == pytest.approx(theirs.predict(PAIRS, **arguments), abs=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [{"top_k": 4}, {"top_k": None}, {"batch_size": 2, "top_k": 3, "return_documents": True}, {"prompt_name": "search"}],
    ids=repr,
)
def test_an_argument_of_rank_does_what_it_does_there(
    arguments: dict[str, Any], ours: CrossEncoder, theirs: TheirCrossEncoder
) -> None:
    found, expected = ours.rank(QUERY, DOCUMENTS, **arguments), theirs.rank(QUERY, DOCUMENTS, **arguments)
    assert [row["corpus_id"] for row in found] == [row["corpus_id"] for row in expected]
    assert [row["score"] for row in found] == pytest.approx([row["score"] for row in expected], abs=1e-5)
    assert [row.get("text") for row in found] == [row.get("text") for row in expected]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"convert_to_tensor": True}, r"^convert_to_tensor: True is not supported: .*torch.from_numpy"),
    ({"convert_to_numpy": False}, r"^convert_to_numpy: False is not supported: .*tolist"),
    ({"device": "cuda:1"}, r"^device: 'cuda:1' is not supported: .*ScorerSettings\(device=...\)"),
    ({"pool": {"processes": []}}, "^pool: .*one scorer in each process"),
    ({"activation_fn": torch.nn.Tanh()}, "^activation_fn: Tanh is not supported: pass activation='identity'"),
    ({"activation_fn": torch.nn.Identity(), "activation": "sigmoid"}, "^activation_fn: .*give only one"),
    ({"prompt_name": "none"}, "^prompt_name: the model has no prompt 'none'; its prompts: search, other"),
    ({"batch_size": 0}, "^batch_size: 0 is below 1"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_an_argument_that_would_change_the_result_is_refused_with_what_to_use(
    arguments: dict[str, Any], message: str, ours: CrossEncoder
) -> None:
    for call in (lambda: ours.predict(PAIRS, **arguments), lambda: ours.rank(QUERY, DOCUMENTS, **arguments)):
        with pytest.raises(SettingsError, match=message):
            call()


def test_top_k_and_top_n_are_one_setting(ours: CrossEncoder) -> None:
    assert ours.rank(QUERY, DOCUMENTS, top_k=2) == ours.rank(QUERY, DOCUMENTS, 2, top_k=2)
    with pytest.raises(SettingsError, match="^top_k: 2 differs from top_n=3"):
        ours.rank(QUERY, DOCUMENTS, 3, top_k=2)
    with pytest.raises(SettingsError, match="^top_k: -1 is below 0"):
        ours.rank(QUERY, DOCUMENTS, top_k=-1)


def test_an_unknown_argument_is_a_type_error_that_suggests_a_known_one(ours: CrossEncoder) -> None:
    misspelt: dict[str, Any] = {"batchsize": 2}
    with pytest.raises(TypeError, match="unexpected keyword argument 'batchsize'; did you mean batch_size"):
        ours.predict(PAIRS, **misspelt)
    theirs_only: dict[str, Any] = {"sentences": PAIRS}
    with pytest.raises(TypeError, match="'pairs'"):
        ours.predict(**theirs_only)


def test_every_argument_of_sentence_transformers_is_known_here() -> None:
    positional = {"self", "inputs", "query", "documents", "return_documents", "activation", "prompt", "kwargs"}
    for theirs, known in ((TheirCrossEncoder.predict, PredictArguments), (TheirCrossEncoder.rank, RankArguments)):
        names = set(inspect.signature(theirs).parameters) - positional
        assert names - set(known.__annotations__) == set()


def test_a_progress_bar_is_shown_on_standard_error_on_request(
    ours: CrossEncoder, capfd: pytest.CaptureFixture[str]
) -> None:
    quiet = ours.predict(PAIRS, batch_size=2).tolist()
    assert capfd.readouterr() == ("", "")
    assert ours.predict(PAIRS, batch_size=2, show_progress_bar=True).tolist() == quiet
    shown = capfd.readouterr()
    assert shown.out == "" and "Scoring" in shown.err and "100%" in shown.err
