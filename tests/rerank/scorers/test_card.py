"""The languages and the licence of a model are read from its card."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.rerank.scorers.card import read_card
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.model_folder import read_folder

CARDS = [
    ("---\nlanguage: en\nlicense: mit\n---\n# Text", ("en",)),
    ("---\nlanguage:\n- de\n- fr\nlicense: mit\n---\n", ("de", "fr")),
    ("---\nlanguage:\n  - 'no'\n  - zh-CN  # simplified\n---\n", ("no", "zh")),
    ('\ufeff---\r\nlanguage: [en, "nb", en]\r\n---\r\n', ("en", "nb")),
    ("---\nmodel-index:\n- name: x\n  results:\n  - language: de\nlanguage: it\n---\n", ("it",)),
    ("---\nlanguage: multilingual\n---\n", ()),
    ("---\nlanguage: en\n", ()),
    ("language: en\n", ()),
    ("\n", ()),
]


@pytest.mark.parametrize(("card", "languages"), CARDS, ids=[repr(card) for card, _ in CARDS])
def test_the_languages_of_a_model_are_those_of_its_cards_front_matter(
    card: str, languages: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_bytes(card.encode())
    assert read_folder(tmp_path).languages == languages


def test_a_model_without_a_readable_card_has_no_known_language(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert read_folder(tmp_path).languages == ()
    (tmp_path / "README.md").mkdir()
    assert read_folder(tmp_path).languages == ()
    assert read_card(tmp_path / "none") == {}


def test_the_default_model_reads_english_and_has_a_licence() -> None:
    scorer = load_scorer("default")
    assert scorer.languages == ("en",)
    assert read_card(scorer.folder.path)["license"] == ("apache-2.0",)
