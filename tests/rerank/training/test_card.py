"""The card of a model: valid for the hub, complete, and with no figure that the record does not have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from resift.rerank.scorers.card import read_card
from resift.rerank.training.card import write_card
from resift.rerank.training.card.write import card_text
from resift.rerank.training.record import ModelFacts, Origin, write_record
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import export_onnx, save_family
from tests.rerank.training.recorded import NASTY, lists, record

COMPARISON = {"difference": -0.0254, "low": -0.05, "high": -0.001, "p_value": 0.03, "wins": 1, "ties": 2, "losses": 9}
GATE: dict[str, Any] = {
    "model": "my-model",
    "base": "old-model",
    "measure": "ndcg@10",
    "passed": False,
    "forced": True,
    "verified": True,
    "reasons": ["dev: worse than its base: ndcg@10 -0.0254"],
    "notes": [],
    "mean": {},
    "sets": [
        {
            "name": "nfcorpus-dev",
            "queries": 77,
            "means": {name: {"ndcg@10": value} for name, value in (("first_stage", 0.3), ("model", 0.3254))}
            | {name: {"ndcg@10": value} for name, value in (("model_alone", 0.31), ("base", 0.35))},
            "versus": {"base": {"verdict": "worse", "comparison": COMPARISON}},
        }
    ],
}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The card of a folder whose model cannot be run: then the usage has no scores, and nothing fails."""
    folder = tmp_path_factory.mktemp("model")
    own = {"gate": GATE, "fusion": {"kind": "zscore", "weight": 0.8}}
    (folder / "resift.json").write_text(json.dumps(own))
    write_record(folder, record())
    return write_card(folder, model_id="org/my-model").read_text()


def section(card: str, heading: str) -> str:
    """Return the text below a heading, up to the next one of the same level or above."""
    level = heading.split(" ")[0]
    found = re.search(rf"(?ms)^{re.escape(heading)}$\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", card)
    assert found, heading
    return found[1]


def test_the_front_matter_is_what_the_hub_reads(card: str) -> None:
    data: Any = ModelCard(card).data
    assert (data.license, data.language, data.base_model) == ("apache-2.0", ["en"], "prajjwal1/bert-tiny")
    assert (data.pipeline_tag, data.library_name) == ("text-ranking", "sentence-transformers")
    assert data.datasets == ["sentence-transformers/gooaq"]
    assert {"cross-encoder", "reranker", "loss:BinaryCrossEntropyLoss", "dataset_size:9"} <= set(data.tags)
    assert data["co2_eq_emissions"]["emissions"] == pytest.approx(0.004)  # grams
    values = {(one.dataset_name, one.metric_type): one.metric_value for one in data.eval_results}
    assert values[("gooaq-dev", "ndcg@10")] == 0.6
    assert values[("nfcorpus-dev", "ndcg@10")] == 0.3254


def test_the_card_has_the_sections_of_the_reference_and_those_of_resift(card: str) -> None:
    headings = [line for line in card.splitlines() if re.match(r"#{1,3} ", line)]
    wanted = ["# my-model", "## Model Details", "## Usage", "### Direct Usage (Sentence Transformers)"]
    wanted += ["### Direct Usage (Transformers)", "### Direct Usage (resift)", "## Evaluation", "## The gate"]
    wanted += ["## Bias, Risks and Limitations", "## Training Details", "### Training Datasets", "### Training Run"]
    wanted += ["### Training Hyperparameters", "### Training Logs", "### Environmental Impact", "### Training Hardware"]
    wanted += ["### Training Time", "### Framework Versions", "## Licences and Attributions", "## Citation"]
    assert [heading for heading in headings if heading in wanted] == wanted


def test_a_model_that_was_forced_says_so_before_anything_else(card: str) -> None:
    title, first = card.split("\n# my-model\n")[1].split("This is a", 1)
    assert "**This model did not pass its gate.** **It was promoted by force.**" in title
    assert "worse than its base" in title
    assert first


def test_evaluation_values_have_their_difference_from_bm25(card: str) -> None:
    assert "| **ndcg@10** | **0.6000 (+0.0500)** |" in section(card, "## Evaluation")
    assert "| **0.2000** | **40** | **0.4000** | **0.6000 (+0.0500)** |" in section(card, "### Training Logs")
    assert "| 0.1000 | 20 | 0.6931 | 0.5100 (-0.0400) |" in section(card, "### Training Logs")
    gate = section(card, "## The gate")
    assert "| 77 | 0.3000 | 0.3100 (+0.0100) | 0.3254 (+0.0254) | 0.3500 (+0.0500) |" in gate
    assert "0.8 for the model and 0.2 for BM25" in gate


def test_the_data_is_described_with_statistics_and_three_samples(card: str) -> None:
    data = section(card, "### Training Datasets")
    assert "* Size: 5 training samples" in data
    assert "<li>min: 1 characters</li><li>mean: 4 characters</li><li>max: 10 characters</li>" in data
    assert "<li>0: ~75.00%</li><li>1: ~25.00%</li>" in data
    samples = section(card, "#### my_data".replace("_", r"\_")).split("* Samples:")[1].splitlines()
    assert sum(line.startswith("  | <code>what") for line in samples) == 3
    assert "CC BY 4.0" in section(card, "## Licences and Attributions")


def test_energy_time_and_versions_are_those_of_the_record(card: str) -> None:
    impact = section(card, "### Environmental Impact")
    assert "- **Energy Consumed**: 1.23e-05 kWh" in impact
    assert "- **Carbon Emitted**: 4e-06 kg of CO2" in impact
    assert "0.033 hours" in impact and "estimated" in impact and "DEU" in impact
    assert "- **Training**: 1.7 minutes" in section(card, "### Training Time")
    assert "- Sentence Transformers: 6.2.0" in section(card, "### Framework Versions")


def test_texts_of_the_data_cannot_change_the_card(card: str) -> None:
    assert card.count("\n## Training Details\n") == 1
    assert "<b>" not in card.replace("&lt;b&gt;", "").split("## Usage")[0]
    assert "{{ 7 * 7 }}" in card and "49" not in section(card, "### Training Datasets")
    assert "<!--" not in card  # neither the template's nor that of the data
    assert NASTY not in card


def test_folders_of_this_machine_are_not_named(card: str) -> None:
    assert "/secret/folder" not in card
    assert "teacher" in section(card, "### Training Run")


def test_every_measured_number_of_the_card_comes_from_its_files(tmp_path: Path) -> None:
    """A record with other numbers has none of the first record's."""
    first = card_text(tmp_path, record(), "m")
    assert "0.6931" in first
    changed = record(
        log=(), evaluations=(), energy=None, seconds={}, training=(lists(4),), evaluation=(), best_step=None
    )
    second = card_text(tmp_path, changed, "m")
    for figure in ("0.6931", "0.5100", "0.6000", "1.23e-05", "1.7 minutes", "0.033 hours", "Training Logs"):
        assert figure not in second
    seen: Any = ModelCard(second).data
    assert seen.eval_results is None


def test_a_passed_model_has_no_warning_and_one_that_was_not_judged_says_so(tmp_path: Path) -> None:
    assert "was not judged" in card_text(tmp_path, record(), "m")
    (tmp_path / "resift.json").write_text(
        json.dumps({"gate": {**GATE, "passed": True, "forced": False, "reasons": []}})
    )
    text = card_text(tmp_path, record(), "m")
    assert "[!WARNING]" not in text and "**Passed.**" in text


def test_a_distilled_model_has_a_card_too(tmp_path: Path) -> None:
    distilled = record(
        command="resift distill",
        base=None,
        loss="MSE of logits and margins",
        model=ModelFacts("tiny", 512, licence="My own Licence 1.0"),
    )
    text = card_text(tmp_path, distilled, "m")
    data: Any = ModelCard(text).data
    assert (data.license, data.license_name, data.base_model) == ("other", "my-own-licence-1-0", None)
    assert "* Loss: <code>MSE of logits and margins</code>" in text
    assert "Learned from the scores of: <code>teacher</code>" in text


def test_a_base_that_is_not_on_the_hub_is_not_named_in_the_front_matter(tmp_path: Path) -> None:
    text = card_text(tmp_path, record(base=Origin("resift-small")), "m")
    seen: Any = ModelCard(text).data
    assert seen.base_model is None
    assert "Initialized from: <code>resift-small</code>" in text


def test_a_model_that_is_int8_alone_shows_the_use_by_resift_alone(tmp_path: Path) -> None:
    export_onnx(save_family("bert", tmp_path))
    (tmp_path / "model.safetensors").unlink()
    text = card_text(tmp_path, record(), "m")
    assert "### Direct Usage (resift)" in text and "## Usage" in text and "## The gate" not in text
    assert "AutoModelForSequenceClassification" not in text and "CrossEncoder(" not in text


def test_the_card_is_read_by_resift_itself(card: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(card)
    found = read_card(tmp_path)
    assert (found["language"], found["license"]) == (("en",), ("apache-2.0",))


def test_a_folder_without_a_record_has_no_card(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no training\.json"):
        write_card(tmp_path)
