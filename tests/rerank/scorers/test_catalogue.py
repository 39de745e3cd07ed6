"""The models that can be named: what the package contains, what is recommended, and what a misspelt name means."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from resift.rerank.scorers.catalogue import describe, embedded_models, recommended_models
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.lookup import EMBEDDED_FOLDER
from resift.rerank.scorers.recommended import RECOMMENDED
from resift.rerank.scorers.registry import DEFAULT_MODEL, MODELS
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.speed import candidates, seconds_per_query
from resift.retrieval.errors import ModelError
from tests.docs.functions import ROOT
from tests.rerank.scorers.small_models import save_family


def test_every_embedded_model_is_listed_with_what_its_files_say() -> None:
    found = {model.name: model for model in embedded_models()}
    assert set(found) == set(MODELS) and embedded_models()[0].default
    for name, model in found.items():
        folder = EMBEDDED_FOLDER / MODELS[name]
        config = json.loads((folder / "config.json").read_text())
        assert (model.layers, model.width) == (config["num_hidden_layers"], config["hidden_size"])
        assert model.megabytes == pytest.approx(sum(file.stat().st_size for file in folder.iterdir()) / 1e6, abs=0.1)
        assert model.max_tokens == load_scorer(name).max_length
        assert model.languages and model.licence and model.default == (name == DEFAULT_MODEL)


def test_the_quality_on_dev_sets_is_a_mean_over_all_of_them(tmp_path: Path) -> None:
    dev = {"a": {"queries": 9, "bm25": 0.4, "alone": 0.5}, "b": {"queries": 3, "bm25": 0.2, "alone": 0.4, "fused": 0.5}}
    model = replace(embedded_models()[0], dev=dev)
    assert model.dev_mean("bm25") == pytest.approx(0.3) and model.dev_mean("alone") == pytest.approx(0.45)
    assert model.dev_mean("fused") is None and replace(model, dev={}).dev_mean("bm25") is None


@pytest.mark.parametrize("given", [None, [1], {"a": 1}, {"a": {"bm25": "high"}}])
def test_dev_figures_of_another_form_are_not_shown(given: object, tmp_path: Path) -> None:
    folder = save_family("bert", tmp_path)
    (folder / "resift.json").write_text(json.dumps({"dev": given}))
    assert describe("mine", folder).dev == {}


def test_speed_is_measured_on_different_documents_of_100_words() -> None:
    pairs = candidates()
    assert len(set(pairs)) == 100 and all(100 <= len(document.split()) <= 101 for _, document in pairs)
    assert seconds_per_query(load_scorer("default"), budget=0.01) > 0


def test_a_language_selects_the_models_that_read_it() -> None:
    assert recommended_models() == list(RECOMMENDED)
    german, chinese = ({model.name for model in recommended_models(code)} for code in ("de", "zh"))
    assert "BAAI/bge-reranker-v2-m3" in german & chinese
    assert "BAAI/bge-reranker-base" in chinese - german
    assert not {model.name for model in RECOMMENDED if model.languages == ("en",)} & (german | chinese)


def test_the_documentation_has_the_table_of_the_recommended_models() -> None:
    rows = re.findall(r"^\| `(\S+/\S+)` \| (.*) \|$", (ROOT / "docs" / "models.md").read_text("utf-8"), re.MULTILINE)
    size = "{:.1f} GB".format
    expected = []
    for model in RECOMMENDED:
        sizes = [f"{count} MB" if count < 1000 else size(count / 1000) for count in (model.megabytes, model.memory)]
        cells = [*sizes, model.gpu, str(model.max_tokens), " ".join(model.languages), model.licence]
        expected.append((model.name, " | ".join(cells)))
    assert rows == expected


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("resift-smal", "resift-small"),
        ("defualt", "default"),
        ("ms-marco-MiniLM-L6-v2", "cross-encoder/ms-marco-MiniLM-L6-v2"),
        ("bge-reranker-v2-m3", "BAAI/bge-reranker-v2-m3"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_name_that_was_meant(given: str, meant: str) -> None:
    with pytest.raises(ModelError, match=f"no model has this name; did you mean {meant}.*`resift models` lists"):
        load_scorer(given)


def test_a_misspelt_hub_name_is_refused_with_the_name_that_was_meant() -> None:
    with pytest.raises(ModelError, match="; did you mean cross-encoder/ms-marco-MiniLM-L6-v2.*hf download"):
        load_scorer("cross-encoder/ms-marco-MiniLM-L-6-v3", ScorerSettings(offline=True))
    with pytest.raises(ModelError) as caught:
        load_scorer("BAAI/bge-reranker-v2-m3", ScorerSettings(offline=True))
    assert "did you mean" not in str(caught.value)
