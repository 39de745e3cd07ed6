"""The table of the short trainings that differ in one thing each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.ablate_ladder import VARIANTS, main, report


def test_a_row_has_the_agreement_before_and_after_and_the_mean_or_says_that_it_is_missing(tmp_path: Path) -> None:
    for name in ("00", "02"):
        (tmp_path / name).mkdir()
        found = {"report": {"before": {"pearson": 0.5}, "after": {"pearson": 0.75}}}
        (tmp_path / name / "distillation.json").write_text(json.dumps(found))
    table = {"means": {"dev": {"v02": {"ndcg@10": {"mean": 0.6, "interval_95": [0.55, 0.65]}}}}}
    rows = report({"v00": tmp_path / "00", "v02": tmp_path / "02"}, table).splitlines()
    assert rows[2:] == [
        "| as resift-small | 0.500 | 0.750 | not measured |",
        "| layers 1, 4, 7, 10 | 0.500 | 0.750 | 0.6000 [0.5500, 0.6500] |",
    ]


@pytest.mark.parametrize("given", ["0,99", "-1", "two"])
def test_a_number_that_no_variant_has_is_refused_before_any_work(tmp_path: Path, given: str) -> None:
    result = CliRunner().invoke(main, [str(tmp_path), "--variants", given])
    assert result.exit_code == 2 and f"expected numbers from 0 to {len(VARIANTS) - 1}" in result.output
