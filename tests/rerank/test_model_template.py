"""A model trained on texts of its own template says so when it reads others."""

from __future__ import annotations

from pathlib import Path

from resift.rerank.model_template import other_template, store_template
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.template import DEFAULT_TEMPLATE
from tests.rerank.cli.invoke import invoke
from tests.rerank.test_reservations import index, model

__all__ = ["index"]
TEMPLATE = "{title:8}: {text}"


def test_a_search_with_another_template_than_the_training_is_noted(index: str, tmp_path: Path) -> None:
    own = model(tmp_path)
    store_template(Path(own), TEMPLATE)
    found = invoke("search", index, "what do cats eat", "--model", own)
    assert found.code == 0
    assert f"note: {own} was trained on texts of another template, '{TEMPLATE}' (--template sets it)" in found.err
    assert "another template" not in invoke("search", index, "cats", "--model", own, "--template", TEMPLATE).err


def test_the_default_template_is_not_kept_since_texts_may_have_been_built_before(tmp_path: Path) -> None:
    own = Path(model(tmp_path))
    store_template(own, DEFAULT_TEMPLATE)
    assert "template" not in read_folder(own).resift
    assert other_template(read_folder(own), TEMPLATE) == []
