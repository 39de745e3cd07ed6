"""Names of data sets, and the sets that they select."""

from pathlib import Path

import pytest

from resift.rerank.evaluation.datasets import NANOBEIR, DataSet, load, resolve
from resift.rerank.evaluation.experiment import COMPARABLE, END_TO_END
from resift.retrieval.errors import SettingsError


def test_nanobeir_is_thirteen_sets_all_in_the_mean_end_to_end() -> None:
    assert [data_set.name for data_set in resolve("nanobeir", END_TO_END) if data_set.in_mean] == list(NANOBEIR)
    assert len(set(NANOBEIR)) == 13


def test_argument_sets_are_outside_the_mean_in_comparable_mode() -> None:
    outside = [data_set.name for data_set in resolve("NanoBEIR", COMPARABLE) if not data_set.in_mean]

    assert outside == ["ArguAna", "Touche2020"]


def test_set_selected_by_name_is_in_the_mean_in_both_modes() -> None:
    assert resolve("nanobeir:ArguAna,NQ", COMPARABLE) == [DataSet("ArguAna"), DataSet("NQ")]


@pytest.mark.parametrize("given", ["Touche2020", "NanoTouche2020", " touché2020 ", "TOUCHE2020"])
def test_name_is_recognized_in_every_spelling(given: str) -> None:
    assert resolve(f"nanobeir:{given}") == [DataSet("Touche2020")]


def test_set_named_twice_is_taken_once() -> None:
    assert resolve("nanobeir:NQ,nanonq,SciFact") == [DataSet("NQ"), DataSet("SciFact")]


def test_folder_is_named_after_itself(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()

    assert resolve(f"{tmp_path}/mine/") == [DataSet("mine", tmp_path / "mine")]


@pytest.mark.parametrize("spec", ["nanobeir:Nope", "nanobeir:", "no/such/folder", ""])
def test_unknown_name_is_refused_with_the_known_names(spec: str) -> None:
    with pytest.raises(SettingsError, match="NFCorpus"):
        resolve(spec)


def test_folder_is_loaded_with_the_requested_split(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "text"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "query"}\n')
    (tmp_path / "qrels").mkdir()
    for split, grade in (("dev", 1), ("test", 2)):
        (tmp_path / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\nq\td\t{grade}\n")

    assert load(DataSet("mine", tmp_path), split="dev").qrels == {"q": {"d": 1}}
    assert load(DataSet("mine", tmp_path), split="test").qrels == {"q": {"d": 2}}
