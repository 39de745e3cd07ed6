"""Run the steps: ``python -m scripts.train_default STEP --work-dir WORK``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from transformers import BertForSequenceClassification

from .deliver import deliver, load_progress, save_float32, write_json, write_papers
from .evaluate import Candidates, compare, onnx_scorer, table, torch_scorer
from .groups import Sampler
from .model import load_student, new_student
from .settings import DEV_COLLECTIONS, EVALUATION_TOKENS, SEED, STAGES, TeacherSettings, shared_folder
from .teacher import prepare
from .train import Trainer

STEPS = ("prepare", "distill", "labels", "deliver", "evaluate", "papers")
MODEL_FOLDER = Path(__file__).resolve().parents[2] / "rerank" / "models" / "resift-minilm-l3"


def main() -> None:
    """Read the arguments and run one step, or all of them in order."""
    parser = argparse.ArgumentParser(prog="python -m scripts.train_default", description=__doc__)
    parser.add_argument("step", choices=(*STEPS, "all"))
    parser.add_argument("--work-dir", type=Path, required=True, help="checkpoints, vectors, float32 weights")
    parser.add_argument("--model-dir", type=Path, default=MODEL_FOLDER, help="the folder of the delivered model")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads to use")
    parser.add_argument("--share", type=float, default=1.0, help="share of stage 2 in the delivered weights")
    parser.add_argument("--note", action="append", default=[], help="a remark for training.json (papers)")
    parser.add_argument("--sample", type=int, default=None, help="evaluate only this many queries of a split")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for step in STEPS if given.step == "all" else (given.step,):
        run(step, given)


def run(step: str, given: argparse.Namespace) -> None:
    """Run one step."""
    shared, work = shared_folder(), given.work_dir
    sampler = Sampler(shared, work / "prepared")
    if step == "prepare":
        prepare(shared, work / "prepared", TeacherSettings())
    elif step == "distill":
        train(step, new_student(SEED), sampler, work)
    elif step == "labels":
        train(step, load_student(work / "distill"), sampler, work)
    elif step == "deliver":
        student = mixed(work, given.share)
        save_float32(student, work / "final-fp32")
        deliver(student, sampler, work, given.model_dir)
        write_papers(shared, given.model_dir, load_progress(work), {})
    elif step == "evaluate":
        evaluate(shared, given)
    else:
        measured = json.loads((work / "measured.json").read_text()) | {"notes": given.note}
        write_papers(shared, given.model_dir, load_progress(work), measured)


def train(step: str, student: BertForSequenceClassification, sampler: Sampler, work: Path) -> None:
    """Train one stage and save its weights."""
    trainer = Trainer(student, STAGES[step], work)
    trainer.run(sampler)
    save_float32(trainer.student, work / step)


def mixed(work: Path, share: float) -> BertForSequenceClassification:
    """Return ``share`` of stage 2's weights plus the rest of stage 1's."""
    student = load_student(work / "labels")
    if share < 1:
        first = load_student(work / "distill").state_dict()
        second = student.state_dict()
        student.load_state_dict({k: torch.lerp(first[k], second[k], share) for k in second})
    return student


def evaluate(shared: Path, given: argparse.Namespace) -> None:
    """Measure int8 on every query, float32 on a sample; write measured.json."""
    student, path = load_student(given.work_dir / "final-fp32"), given.model_dir / "model.onnx"
    int8 = onnx_scorer(path, EVALUATION_TOKENS, given.threads)
    float32 = onnx_scorer(given.work_dir / "model-float32.onnx", EVALUATION_TOKENS, given.threads)
    splits = [Candidates.load(shared, name, given.sample, EVALUATION_TOKENS) for name in DEV_COLLECTIONS]
    figures = {split.collection.name: split.evaluate(int8) for split in splits}
    print(table(figures))
    sampled = [Candidates.load(shared, name, 40, EVALUATION_TOKENS) for name in DEV_COLLECTIONS]
    paired = {
        kind: {split.collection.name: asdict(split.evaluate(scorer)) for split in sampled}
        for kind, scorer in (("int8", int8), ("float32", float32))
    }
    pairs = [pair for split in sampled for row in range(5) for pair in split.pairs(row)[:20]]
    agreement = compare(pairs, int8, float32, EVALUATION_TOKENS)
    torch_gap = np.abs(float32(pairs) - torch_scorer(student, EVALUATION_TOKENS)(pairs)).max()
    measured = {
        "share_of_stage_2": given.share,
        "int8": {name: asdict(one) for name, one in figures.items()},
        "sample_of_40": paired,
        "agreement": agreement | {"threads": given.threads, "float32_onnx_to_torch": float(torch_gap)},
    }
    write_json(given.work_dir / "measured.json", measured)


if __name__ == "__main__":
    main()
