"""What a training records: it is read as it was written, and its texts are recognized."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.training.record import Origin, TrainingTexts, describe, origin_of, read_record, write_record
from resift.retrieval.errors import ModelError
from tests.rerank.training.recorded import record


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path, record())
    assert read_record(tmp_path) == record()


def test_values_that_json_does_not_have_are_written_all_the_same(tmp_path: Path) -> None:
    write_record(tmp_path, record(settings={"path": tmp_path, "infinite": float("inf"), "both": (1, 2)}))
    found = read_record(tmp_path)
    assert found is not None
    assert found.settings == {"path": str(tmp_path), "infinite": None, "both": [1, 2]}


def test_a_file_of_another_program_is_not_a_record(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    (tmp_path / "training.json").write_text('{"seed": 12}')
    assert read_record(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["{", '{"format": "resift-training-1"}', '{"format": "resift-training-1", "model": 3}']
)
def test_a_damaged_record_is_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "training.json").write_text(content)
    with pytest.raises(ModelError, match=r"training\.json"):
        read_record(tmp_path)


def test_texts_are_recognized_whatever_their_case_accents_punctuation_and_space(tmp_path: Path) -> None:
    texts = TrainingTexts()
    texts.add("What's a café?", ["The  FIRST\ndocument.", "another one"])
    texts.save(tmp_path)
    found = TrainingTexts.read(tmp_path)
    assert found is not None
    assert found.has_query("what s a cafe\u0301")  # the accent as a character of its own
    assert not found.has_query("what is a café")
    assert found.has_relevant("the first document") and found.has_relevant("ANOTHER one!")
    assert not found.has_relevant("the second document")
    assert found.queries == 1


def test_texts_without_letters_are_equal_to_nothing() -> None:
    texts = TrainingTexts()
    texts.add("?!", ["..."])
    assert not texts.has_query("?!") and not texts.has_relevant("")


def test_the_file_of_texts_has_no_text_and_is_the_same_for_the_same_texts(tmp_path: Path) -> None:
    written = []
    for names in (["alpha secret", "beta"], ["beta", "alpha secret"]):
        texts = TrainingTexts()
        for name in names:
            texts.add(name, [])
        written.append({name: one.tolist() for name, one in _arrays(texts.save(tmp_path)).items()})
        assert b"secret" not in (tmp_path / "training_texts.npz").read_bytes()
    assert written[0] == written[1]


def _arrays(path: Path) -> dict[str, Any]:
    import numpy as np

    with np.load(path) as found:
        return dict(found)


def test_a_source_is_described_by_all_rows_and_measured_by_the_first_thousand() -> None:
    rows = [{"query": "a" * (1 + place % 3), "documents": ["b", "c"], "label": place % 2} for place in range(1500)]
    source = describe("s", rows, count_tokens=lambda texts: [10 * len(text) for text in texts])
    query, documents, label = source.columns
    assert (source.rows, source.measured, len(source.samples)) == (1500, 1000, 3)
    assert (query.unit, query.lowest, query.highest) == ("tokens", 10, 30)
    assert query.mean == pytest.approx(20, abs=0.1)
    assert (documents.kind, documents.lowest, documents.highest) == ("texts", 2, 2)
    assert label.shares == {"0": 0.5, "1": 0.5}


def test_long_values_are_shortened_in_samples_so_that_the_record_stays_small() -> None:
    source = describe("s", [{"query": "a" * 10_000, "labels": list(range(1000))}])
    assert len(json.dumps(source.samples)) < 1200


def test_a_folder_with_weights_in_another_form_is_named_as_the_model_that_it_is(tmp_path: Path) -> None:
    card = "---\nlicense: apache-2.0\nbase_model: org/large\n{relation}---\n"
    for name, relation in (("same", "base_model_relation: quantized\n"), ("tuned", "base_model_relation: finetune\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(card.format(relation=relation))
    assert origin_of(str(tmp_path / "same")) == Origin("org/large", hub=True, licence="apache-2.0")
    assert origin_of(str(tmp_path / "tuned")) == Origin(str(tmp_path / "tuned"), licence="apache-2.0")
    assert origin_of("org/large") == Origin("org/large")
