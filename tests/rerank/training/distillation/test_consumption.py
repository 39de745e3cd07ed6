from __future__ import annotations

import json
from pathlib import Path

from resift.rerank.training.distillation.consumption import Consumption
from resift.rerank.training.energy import EnergyMeter


def test_what_was_consumed_is_kept_while_it_is_measured_and_continued_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "energy.json"
    killed = Consumption(path, begun=False, every=0.0)
    with killed.measured():
        with killed.measured():  # as one
            sum(range(10**6))
        killed.keep()
        left = path.read_text(encoding="utf-8")  # what a kill here would leave
    path.write_text(left, encoding="utf-8")
    kept = json.loads(left)["energy"]
    assert kept["seconds"] > 0
    resumed = Consumption(path, begun=True)
    with resumed.measured():
        pass
    assert resumed.total is not None and resumed.total.seconds > kept["seconds"]


def test_work_that_was_not_measured_leaves_no_total(tmp_path: Path) -> None:
    assert Consumption(tmp_path / "none.json", begun=True).total is None
    (tmp_path / "damaged.json").write_text("{")
    with EnergyMeter(enabled=False) as meter:
        assert not meter.measuring
    off = Consumption(tmp_path / "energy.json", begun=False, enabled=False)
    with off.measured():
        assert json.loads((tmp_path / "energy.json").read_text())["whole"] is False  # a kill here is not forgotten
    for name in ("energy.json", "damaged.json"):
        later = Consumption(tmp_path / name, begun=True)
        with later.measured():
            pass
        assert later.total is None
