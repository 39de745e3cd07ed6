"""The reports of an experiment: JSON, runs, values per query, and a table."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from resift.rerank.counts import Counts
from resift.rerank.evaluation.experiment import COMPARABLE, ExperimentResult, Seconds, SetResult, evaluate_set
from resift.rerank.evaluation.measures import MEASURES
from resift.rerank.evaluation.report import per_query_to_json, render, to_json, write_results

QRELS = {f"q{number}": {"a": 1} for number in range(8)}
FIRST_STAGE = {query_id: {"a": 1.0, "b": 2.5} for query_id in QRELS}
RERANKED = {query_id: {"a": 2.0, "b": 1.0} for query_id in QRELS}


def better(name: str = "alpha") -> SetResult:
    """Every query: the relevant document goes from rank 2 to rank 1."""
    return evaluate_set(
        name, QRELS, FIRST_STAGE, RERANKED, Seconds(0.25, 1.5), Counts(scored=16, truncated=3, queries_truncated=1)
    )


def unchanged(name: str = "beta") -> SetResult:
    return evaluate_set(name, QRELS, RERANKED, RERANKED)


def shown(result: ExperimentResult, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render(result))
    return capture.get()


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


def test_table_shows_each_stage_its_signed_difference_and_what_is_certain() -> None:
    text = shown(ExperimentResult((better(), unchanged()), "tiny", 50))
    lines = [line.split() for line in text.splitlines()]

    assert "alpha 0.6309 -> 1.0000 0.5000 -> 1.0000 0.5000 -> 1.0000 1.0000 -> 1.0000".split() in lines
    assert "8 queries +0.3691 * +0.5000 * +0.5000 * +0.0000".split() in lines
    assert "mean 0.8155 -> 1.0000 0.7500 -> 1.0000 0.7500 -> 1.0000 1.0000 -> 1.0000".split() in lines
    assert "2 sets +0.1845 +0.2500 +0.2500 +0.0000".split() in lines
    assert text.startswith("end-to-end: ") and "\ntiny\ndepth 50\n" in text
    assert "95 %" in text


def test_interval_wins_ties_and_losses_of_each_set_are_shown() -> None:
    mixed = {**FIRST_STAGE, **dict.fromkeys(["q0", "q1", "q2"], {"a": 2.0, "b": 1.0})}
    text = shown(
        ExperimentResult((evaluate_set("some", QRELS, mixed, RERANKED), evaluate_set("worse", QRELS, RERANKED, mixed)))
    )
    rows = [line.split() for line in text.splitlines() if "[" in line]
    # five of eight queries gain 0.369; the 2.5 % and 97.5 % quantiles of binomial(8, 5/8) are 2 and 7
    low, high = (f"{number / 8 * (1 - 0.63092975):.4f}" for number in (2, 7))

    assert "set ndcg@10 by 95 % interval wins ties losses".split() in [line.split() for line in text.splitlines()]
    assert rows == [
        ["some", "+0.2307", f"[+{low},", f"+{high}]", "5", "3", "0"],
        ["worse", "-0.2307", f"[-{high},", f"-{low}]", "0", "3", "5"],
    ]


def test_settings_that_determine_the_figures_are_in_the_report_and_both_files() -> None:
    conditions = {"run": "other.trec", "split": "dev", "rank_window_size": 20, "max_length": None}
    result = ExperimentResult((better(),), "tiny", 50, conditions)
    text = shown(result)

    assert text.startswith(
        "end-to-end: the given run 'other.trec', nothing added\ntiny\ndepth 50, window 20, split dev\n"
    )
    assert "our own first stage" not in text
    for content in (to_json(result), per_query_to_json(result)):
        assert {**content, **conditions, "mode": "end-to-end", "model": "tiny", "depth": 50} == content


def test_loss_is_shown_with_its_sign() -> None:
    worse = evaluate_set("worse", QRELS, RERANKED, FIRST_STAGE)

    assert "-0.5000 *" in shown(ExperimentResult((worse,)))


def test_comparable_mode_is_named_and_sets_outside_the_mean_are_marked() -> None:
    inside, outside = replace(better(), mode=COMPARABLE), replace(unchanged(), mode=COMPARABLE, in_mean=False)
    text = shown(ExperimentResult((inside, outside)))

    assert text.startswith("comparable: sentence-transformers' NanoBEIR protocol")
    assert "not in mean" in text
    assert "1 set " in text


def test_table_fits_eighty_columns_and_takes_any_name() -> None:
    text = shown(ExperimentResult((better("NanoQuoraRetrieval-with-a-long-name"), better("[red]"))))

    assert max(map(len, text.splitlines())) <= 80
    assert "[red]" in text
    assert "0.6309 -> 1.0000" in text
    assert "…" not in text


def test_files_hold_both_runs_all_values_and_the_summary(tmp_path: Path) -> None:
    result = ExperimentResult((better(), unchanged()), "tiny")
    paths = write_results(tmp_path / "new" / "folder", result)

    assert [path.relative_to(tmp_path / "new" / "folder").as_posix() for path in paths] == [
        "runs/alpha.first_stage.trec",
        "runs/alpha.reranked.trec",
        "runs/beta.first_stage.trec",
        "runs/beta.reranked.trec",
        "per_query.json",
        "results.json",
    ]
    lines = [line.split() for line in paths[0].read_text().splitlines()]
    assert [(line[0], line[2], line[3], float(line[4])) for line in lines[:2]] == [
        ("q0", "b", "1", 2.5),
        ("q0", "a", "2", 1.0),
    ]
    assert json.loads(paths[4].read_text()) == json.loads(json.dumps(per_query_to_json(result)))
    assert json.loads(paths[5].read_text()) == json.loads(json.dumps(to_json(result)))


def test_writing_again_replaces_the_files_and_leaves_no_others(tmp_path: Path) -> None:
    write_results(tmp_path, ExperimentResult((better(),), "old"))
    write_results(tmp_path, ExperimentResult((better(),), "new"))

    assert json.loads((tmp_path / "results.json").read_text())["model"] == "new"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "alpha.first_stage.trec",
        "alpha.reranked.trec",
        "per_query.json",
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
