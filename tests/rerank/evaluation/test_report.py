"""The files of an experiment: JSON, runs, values per query, and pages."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from resift.rerank.evaluation.experiment import ExperimentResult, Seconds
from resift.rerank.evaluation.measures import MEASURES
from resift.rerank.evaluation.report import per_query_to_json, to_json, write_results
from tests.rerank.evaluation.results import QRELS, better, unchanged


def test_json_has_both_stages_of_every_set_and_their_mean() -> None:
    content = json.loads(json.dumps(to_json(ExperimentResult((better(), unchanged()), "tiny", 50))))
    before = {"ndcg@10": pytest.approx(0.63093, abs=1e-5), "mrr@10": 0.5, "map": 0.5, "recall@100": 1.0}
    after = dict.fromkeys(MEASURES, 1.0)

    assert [(one["name"], one["queries"]) for one in content["sets"]] == [("alpha", 8), ("beta", 8)]
    assert [one["first_stage"] for one in content["sets"]] == [before, after]
    assert [one["reranked"] for one in content["sets"]] == [after, after]
    assert content["mean"]["first_stage"]["map"] == pytest.approx(0.75)
    assert content["mean"]["reranked"] == after
    assert (content["mode"], content["model"], content["depth"]) == ("end-to-end", "tiny", 50)


def test_json_has_the_interval_p_value_and_wins_of_each_difference() -> None:
    one = json.loads(json.dumps(to_json(ExperimentResult((better(),)))))["sets"][0]

    assert (one["difference"]["map"], one["interval_95"]["map"]) == (0.5, [0.5, 0.5])
    assert [one[key]["map"] for key in ("wins", "ties", "losses")] == [8, 0, 0]
    assert [one[key]["recall@100"] for key in ("wins", "ties", "losses")] == [0, 8, 0]
    assert one["p_value"]["map"] < 0.05 and one["p_value"]["recall@100"] == 1.0
    assert one["ceiling"] == dict.fromkeys(MEASURES, 1.0)
    assert one["cut"] == {"scored_documents": 16, "documents": 3, "queries": 1}
    assert (one["seconds"], one["unanswered"], one["in_mean"]) == ({"first_stage": 0.25, "rerank": 1.5}, 0, True)


def test_values_per_query_give_the_means() -> None:
    content = json.loads(json.dumps(per_query_to_json(ExperimentResult((better(), unchanged())))))

    assert list(content["sets"]) == ["alpha", "beta"]
    assert content["sets"]["alpha"]["q3"]["first_stage"]["map"] == 0.5
    assert content["sets"]["alpha"]["q3"]["reranked"]["map"] == 1.0
    assert list(content["sets"]["alpha"]) == list(QRELS)


def test_files_hold_both_runs_all_values_and_the_summary(tmp_path: Path) -> None:
    result = ExperimentResult((better(), unchanged()), "tiny")
    paths = write_results(tmp_path / "new" / "folder", result)

    assert [path.relative_to(tmp_path / "new" / "folder").as_posix() for path in paths] == [
        "runs/alpha.first_stage.trec",
        "runs/alpha.reranked.trec",
        "runs/beta.first_stage.trec",
        "runs/beta.reranked.trec",
        "per_query.json",
        "report.md",
        "report.html",
        "results.json",
    ]
    lines = [line.split() for line in paths[0].read_text().splitlines()]
    assert [(line[0], line[2], line[3], float(line[4])) for line in lines[:2]] == [
        ("q0", "b", "1", 2.5),
        ("q0", "a", "2", 1.0),
    ]
    assert json.loads(paths[4].read_text()) == json.loads(json.dumps(per_query_to_json(result)))
    assert json.loads(paths[7].read_text()) == json.loads(json.dumps(to_json(result)))


def test_writing_again_replaces_the_files_and_leaves_no_others(tmp_path: Path) -> None:
    write_results(tmp_path, ExperimentResult((better(),), "old"))
    write_results(tmp_path, ExperimentResult((better(),), "new"))

    assert json.loads((tmp_path / "results.json").read_text())["model"] == "new"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "alpha.first_stage.trec",
        "alpha.reranked.trec",
        "per_query.json",
        "report.html",
        "report.md",
        "results.json",
    ]


def test_failed_write_keeps_the_previous_file(tmp_path: Path) -> None:
    write_results(tmp_path, ExperimentResult((better(),), "old"))
    broken = replace(better(), seconds=Seconds(rerank=float("nan")))

    with pytest.raises(ValueError, match="JSON"):
        write_results(tmp_path, ExperimentResult((broken,), "new"))
    assert json.loads((tmp_path / "results.json").read_text())["model"] == "old"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        (("a/b c", "beta"), ["a_b_c", "beta"]),
        (("a/b", "a b"), ["1-a_b", "2-a_b"]),
        (("NQ", "nq"), ["1-NQ", "2-nq"]),
        (("../up", "x"), [".._up", "x"]),
    ],
)
def test_names_of_sets_become_distinct_file_names(names: tuple[str, str], stems: list[str], tmp_path: Path) -> None:
    write_results(tmp_path, ExperimentResult(tuple(better(name) for name in names)))

    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == sorted(
        f"{stem}.{stage}.trec" for stem in stems for stage in ("first_stage", "reranked")
    )
