from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from resift.rerank.cli.main import cli
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.distillation.job import Distillation, Distilled
from resift.rerank.training.distillation.request import DistillRequest, DistillStages
from resift.rerank.training.distillation.scores import ListFile
from resift.rerank.training.distillation.settings import DistillSettings
from resift.rerank.training.record import TrainingTexts, read_record
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import SettingsError
from tests.rerank.scorers.small_models import save_family, sentences
from tests.rerank.training.distillation.small_teacher import TOKENS

SETTINGS = DistillSettings(
    epochs=1.0,
    pair_tokens=TOKENS,
    learning_rate=1e-3,
    fresh_rate=1e-3,
    held_out_share=0.2,
    refit_pairs=100,
    logit_weight=1.0,
    export=False,
    head_documents=3,
    middle_documents=2,
)
STAGES = DistillStages(distill=SETTINGS, scorer=ScorerSettings(device="cpu", threads=1))


class Killed(Exception):
    """Raised in the middle of a stage; what is then on the disk is what a kill leaves."""


def killed_at(stage: str, after: int) -> Reports:
    @contextmanager
    def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        def done(count: int) -> None:
            if label == stage and count >= after:
                raise Killed

        yield done

    return Reports(progress=progress)


def request_in(place: Path, **changes: object) -> DistillRequest:
    request = DistillRequest(
        str(place / "docs.jsonl"),
        (str(place / "teacher"),),
        ("half=teacher:2", "tiny=2x16x2"),
        str(place / "out"),
        queries=str(place / "log.txt"),
        energy=False,
    )
    return dataclasses.replace(request, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def place(teacher_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a corpus, a log of queries and a teacher."""
    place = tmp_path_factory.mktemp("place")
    shutil.copytree(teacher_folder, place / "teacher")
    texts = sentences(120, 1, 3, 8)
    lines = [json.dumps({"id": str(number), "text": text}) for number, text in enumerate(texts)]
    (place / "docs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "log.txt").write_text("\n".join(sentences(20, 2, 2, 4)) + "\n", encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def distilled(place: Path) -> Distilled:
    return Distillation(request_in(place), STAGES).run()


def test_one_command_makes_students_that_are_nearer_to_the_teacher(place: Path, distilled: Distilled) -> None:
    assert [(one.name, one.folder) for one in distilled.students] == [
        ("half", place / "out" / "half"),
        ("tiny", place / "out" / "tiny"),
    ]
    for one in distilled.students:
        assert one.held_out == 6
        assert one.pairs > 0
        assert load_scorer(str(one.folder), ScorerSettings(device="cpu")).score([("cat", "food")]).logits.shape == (1,)
    tiny = distilled.students[1]
    assert tiny.after["error"] < tiny.before["error"]


def test_a_student_records_what_it_was_trained_on_and_not_what_was_held_out(distilled: Distilled) -> None:
    folder = distilled.students[0].folder
    record, texts = read_record(folder), TrainingTexts.read(folder)
    assert record is not None and texts is not None
    assert (record.command, record.seed, record.model.shape) == ("resift distill", 12, "2 layers, 32 wide, 2 heads")
    assert record.begun == "2 of the layers of the teacher, fitted to the states that it has there"
    assert record.log[-1].values["held-out_error"] == distilled.students[0].after["error"]
    lists = list(ListFile(distilled.scores))
    assert {texts.has_query(one.query) for one in lists if one.held_out} == {False}
    assert {texts.has_query(one.query) for one in lists if not one.held_out} == {True}
    assert "resift distill" in (folder / "README.md").read_text(encoding="utf-8")
    curve = json.loads((folder / "distillation.json").read_text(encoding="utf-8"))["curve"]
    assert curve[0]["pairs"] == 0 and curve[-1]["pairs"] == distilled.students[0].pairs


@pytest.mark.parametrize(("stage", "after"), [("scoring", 1), ("training", 60)])
def test_a_distillation_that_was_stopped_continues_to_the_same_student(
    place: Path, distilled: Distilled, tmp_path: Path, stage: str, after: int
) -> None:
    settings = dataclasses.replace(SETTINGS, checkpoint_seconds=0.0)  # it decides nothing but what a kill loses
    stages = dataclasses.replace(STAGES, distill=settings)
    request = request_in(place, out=str(tmp_path / "out"))
    with pytest.raises(Killed):
        Distillation(request, stages, killed_at(stage, after)).run()
    assert not (tmp_path / "out").exists()
    found = Distillation(request, stages).run()
    assert found.scores.read_bytes() == distilled.scores.read_bytes()
    for one, other in zip(found.students, distilled.students, strict=True):
        own, wanted = (load_file(student.folder / "model.safetensors") for student in (one, other))
        assert max(float((own[name] - wanted[name]).abs().max()) for name in wanted) <= 1e-6


def test_a_finished_distillation_is_not_repeated(place: Path, distilled: Distilled) -> None:
    again = Distillation(request_in(place), STAGES, killed_at("training", 0)).run()
    assert again.to_json()["students"] == distilled.to_json()["students"]


def test_the_energy_of_all_processes_is_recorded_with_the_student_and_in_its_card(place: Path, tmp_path: Path) -> None:
    request = request_in(place, out=str(tmp_path / "out"), student=("tiny=1x16x2",), energy=True, country="DEU")
    with pytest.raises(Killed):
        Distillation(request, STAGES, killed_at("scoring", 1)).run()
    first = json.loads((tmp_path / "out.work" / "energy.json").read_text(encoding="utf-8"))["energy"]
    found = Distillation(request, STAGES).run()
    [student] = found.students
    energy = student.energy
    assert energy is not None and energy.seconds > first["seconds"] > 0 and energy.kwh > first["kwh"]
    assert (energy.country, energy.scope) == ("DEU", "the scores of the teacher, and the training of 1 student")
    written = json.loads((tmp_path / "out" / "distillation.json").read_text(encoding="utf-8"))
    assert written["report"]["energy"] == dataclasses.asdict(energy)
    record = read_record(tmp_path / "out")
    assert record is not None and record.energy == energy
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert f"**Energy Consumed**: {energy.kwh:.4g}" in card and "- **Measured**: the scores of the teacher" in card
    assert Distillation(request, STAGES).run().students[0].energy == energy  # nothing was left to do


def test_a_part_of_the_energy_is_not_taken_for_the_whole(place: Path, tmp_path: Path) -> None:
    request = request_in(place, out=str(tmp_path / "out"), student=("tiny=1x16x2",))
    with pytest.raises(Killed):
        Distillation(request, STAGES, killed_at("scoring", 1)).run()
    notes: list[str] = []
    reports = Reports(note=notes.append)
    [student] = Distillation(dataclasses.replace(request, energy=True), STAGES, reports).run().students
    assert student.energy is None
    assert "note: the energy is not recorded, because an earlier part of the work was not measured" in notes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"made_share": 0.5}, "queries of other values .made_share was 0.3, now 0.5.; repeat the earlier values"),
        ({"head_documents": 4}, "candidates of other values .head_documents was 3, now 4."),
        ({"pair_tokens": 32}, "scores of other values .pair tokens was 48, now 32."),
        (
            {"epochs": 2.0},
            "training of other values .epochs was 1.0, now 2.0.*or remove training.made.json, training.pt",
        ),
    ],
)
def test_other_settings_are_refused_and_named(
    place: Path, distilled: Distilled, changes: dict[str, object], message: str
) -> None:
    stages = dataclasses.replace(STAGES, distill=dataclasses.replace(SETTINGS, **changes))  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=message):
        Distillation(request_in(place), stages).run()
    assert distilled.scores.exists()


def test_another_teacher_corpus_or_log_is_refused(place: Path, distilled: Distilled, tmp_path: Path) -> None:
    work = str(place / "out.work")
    shutil.copytree(place / "teacher", tmp_path / "teacher")
    network = load_file(tmp_path / "teacher" / "model.safetensors")
    network["classifier.bias"] += 1.0
    from safetensors.torch import save_file

    save_file(network, tmp_path / "teacher" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SettingsError, match=r"scores of other values \(teacher was"):
        Distillation(request_in(place, teacher=(str(tmp_path / "teacher"),), work=work), STAGES).run()
    (tmp_path / "docs.jsonl").write_text((place / "docs.jsonl").read_text() + '{"id": "x", "text": "one more"}\n')
    with pytest.raises(SettingsError, match=r"index of other values \(corpus was"):
        Distillation(request_in(place, target=str(tmp_path / "docs.jsonl"), work=work), STAGES).run()
    (tmp_path / "log.txt").write_text("cat food\nriver stone\n")
    with pytest.raises(SettingsError, match=r"queries of other values \(given queries was"):
        Distillation(request_in(place, queries=str(tmp_path / "log.txt"), work=work), STAGES).run()


def test_the_command_reports_what_the_students_learned(place: Path, distilled: Distilled) -> None:
    arguments = ["distill", str(place / "docs.jsonl"), "--teacher", str(place / "teacher"), "--out", str(place / "out")]
    arguments += ["--student", "half=teacher:2", "--student", "tiny=2x16x2", "--queries", str(place / "log.txt")]
    arguments += ["--epochs", "1", "--pair-tokens", str(TOKENS), "--learning-rate", "0.001", "--held-out-share", "0.2"]
    arguments += ["--fresh-rate", "0.001", "--no-energy"]
    arguments += ["--refit-pairs", "100", "--logit-weight", "1", "--no-export", "--head-documents", "3"]
    arguments += ["--middle-documents", "2", "--device", "cpu", "--threads", "1"]
    shown = CliRunner().invoke(cli, arguments)
    assert shown.exit_code == 0, shown.output
    assert f"half: {place / 'out' / 'half'}" in shown.output
    assert "teacher's order" in shown.output
    assert "note: without dev sets no fusion is fitted, and nothing judges the students (--dev)" in shown.output
    printed = CliRunner().invoke(cli, [*arguments, "--json", "--quiet"])
    assert json.loads(printed.stdout)["students"][0]["after"] == distilled.students[0].after


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"student": ()}, "student: expected at least one"),
        ({"student": ("a=teacher:2", "a=2x16")}, "two students are called a"),
        ({"queries": None, "qrels": "q.tsv"}, "judgements need the texts of their queries"),
        ({"split": "train"}, "split: is for a BEIR folder"),
        ({"student": ("teacher:2",), "work": "out/work", "out": "out"}, "is in the folder of the student"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_before_any_work(
    place: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        request_in(place, **changes).check()


def test_a_folder_with_other_files_is_never_written_to(place: Path, distilled: Distilled, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.safetensors").write_bytes(b"precious")
    for out in (tmp_path / "mine", distilled.students[0].folder):
        request = request_in(place, out=str(out), student=("teacher:2",), work=str(tmp_path / "new"))
        with pytest.raises(SettingsError, match="has other files; name a new folder, or remove it"):
            Distillation(request, STAGES).run()
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == b"precious"
    assert not (tmp_path / "new").exists()


def test_threads_of_torch_are_those_of_the_settings(distilled: Distilled) -> None:
    assert torch.get_num_threads() == 1


def test_dev_queries_are_never_trained_on_and_judged_only_if_that_is_wanted(place: Path, tmp_path: Path) -> None:
    query = (place / "log.txt").read_text(encoding="utf-8").splitlines()[0]
    dev = tmp_path / "dev"
    (dev / "qrels").mkdir(parents=True)
    shutil.copyfile(place / "docs.jsonl", dev / "corpus.jsonl")
    (dev / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": query}) + "\n", encoding="utf-8")
    (dev / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\t0\t1\n", encoding="utf-8")
    settings = dataclasses.replace(SETTINGS, dev_report=False, refit=False, epochs=0.5)
    request = request_in(place, out=str(tmp_path / "out"), dev=(str(dev),))
    [half, _] = Distillation(request, dataclasses.replace(STAGES, distill=settings)).run().students
    texts = TrainingTexts.read(half.folder)
    assert texts is not None and not texts.has_query(query)
    assert half.gate is None and not (half.folder / "resift.json").exists()


def test_a_second_distillation_goes_on_to_compare_the_states_of_layers_that_resemble_the_teachers(
    place: Path, distilled: Distilled, tmp_path: Path
) -> None:
    other = save_family("bert", tmp_path / "other")
    settings = dataclasses.replace(SETTINGS, scored="held-out", epochs=0.5, pair_tokens=24)
    students = (f"again={distilled.students[0].folder}", f"other={other}")
    request = request_in(place, out=str(tmp_path / "out"), student=students)
    found = Distillation(request, dataclasses.replace(STAGES, distill=settings)).run()
    records = [read_record(one.folder) for one in found.students]
    assert [record.loss_parameters["states"] for record in records if record] == [settings.states_weight, 0.0]
    windows = [read_folder(one.folder).window(None) for one in found.students]
    assert windows == [TOKENS, read_folder(other).window(None)]  # as before, though they learned from shorter pairs
    assert [record.model.max_length for record in records if record] == windows
