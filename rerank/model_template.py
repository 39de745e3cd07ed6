"""The template that a model was trained with, which its folder keeps, so that a search with another one is noticed."""

from __future__ import annotations

from pathlib import Path

from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.resift_file import update_resift_file
from resift.rerank.template import DEFAULT_TEMPLATE

_MEMBER = "template"  # of resift.json


def store_template(folder: Path, template: str) -> None:
    """Keep the `template` by which a training built its texts, in the resift.json of the model's folder.

    The default one is not kept: the texts may have been built before, as by `resift mine`. Raises ModelError if the
    file cannot be written.
    """
    if template != DEFAULT_TEMPLATE:
        update_resift_file(folder, {_MEMBER: template})


def other_template(folder: ModelFolder, template: str) -> list[str]:
    """Return, as a sentence, that the model of `folder` was trained with another template; else nothing."""
    own = folder.resift.get(_MEMBER)
    if not isinstance(own, str) or own == template:
        return []
    return [f"{folder.name} was trained on texts of another template, {own!r} (`template` sets it)"]
