"""What is trained: the data, the base, the dev sets and the folder of the result."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resift.indexer.lock import try_lock
from resift.rerank.scorers.model_folder import TRAINING_STATE
from resift.rerank.scorers.registry import DEFAULT_MODEL
from resift.rerank.template import DEFAULT_TEMPLATE, Template
from resift.rerank.template_budget import cut_by_model, cut_by_size
from resift.rerank.training.finetuning.hub_copy import HUB
from resift.rerank.training.finetuning.processes import rank
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.finetuning.sources import DataSource
from resift.rerank.training.record import RECORD
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.json_output import write_json

WORK = "training"
"""The folder in the model's folder that has the checkpoints, the prepared data, the log and the curves."""

_FREE = ("eval_steps", "stop_after", "save_limit", "mini_batch")
"""Settings that a resumed training may change: they decide what is kept and when it ends, not what a step learns."""


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What is trained.

    `out`: the folder of the model. `base`: an embedded model, a folder or a name of the hub. `dev`: BEIR folders and
    sets of NanoBEIR. `depth`: how many candidates of these are reranked. `template`, `html`: how the text of a document
    is built, in the data and in the folders of `dev`, as in `RerankSettings`. `copy`: a local copy of what is read of
    the hub. `held_out_name`: the name of the held-out part of the data in the log. `curves`: another picture of the
    curves, by its name. `recipe`, `title`, `languages`, `licence`: for the card. `energy`: whether the energy is
    measured, `country` whose electricity it is.
    """

    data: tuple[DataSource, ...]
    out: Path
    base: str = DEFAULT_MODEL
    dev: tuple[str, ...] = ()
    depth: int = 100
    copy: Path | None = None
    template: str = DEFAULT_TEMPLATE
    html: str = "auto"
    held_out_name: str = "held-out"
    curves: Path | None = None
    skip_bad: bool = False
    resume: bool = False
    overwrite: bool = False
    recipe: str = ""
    title: str = ""
    languages: tuple[str, ...] = ()
    licence: str = ""
    energy: bool = True
    country: str | None = None

    def __post_init__(self) -> None:
        """Raise SettingsError if there are no data, the template cannot be used, or settings exclude each other."""
        self.texts()
        if self.depth < 1:
            raise SettingsError(f"{self.depth} is below 1; expected 1 or more", "depth")
        if not self.data:
            raise SettingsError("no training data is named; expected at least one file, folder or data set", "data")
        if self.resume and self.overwrite:
            raise SettingsError("a training is either resumed or begun anew; leave one of them out", "overwrite")

    def texts(self, base: Path | None = None) -> Template:
        """Return what builds the texts of the documents; `base` is the base's folder, whose tokenizer cuts fields.

        Raises SettingsError if it cannot be used.
        """
        return Template(self.template, self.html, cut_by_size if base is None else cut_by_model(str(base)))

    @property
    def reading(self) -> dict[str, Any]:
        """The settings of what is read, as in a search: the template, the treatment of HTML, and the depth."""
        return {"template": self.template, "html": self.html, "depth": self.depth}

    @property
    def work(self) -> Path:
        """The folder of the checkpoints and of what was recorded."""
        return self.out / WORK


def open_output(request: TrainRequest, settings: TrainSettings, mark: str) -> None:
    """Make the folders of a training, or check that the one that is resumed had the same data and settings.

    `mark` is the fingerprint of the data. Raises SettingsError if the folder has something else, and ModelError if it
    cannot be written.
    """
    read = request.reading | {"dev": list(request.dev), "skip_bad": request.skip_bad}
    state = {"base": request.base, "mark": mark, "settings": _fixed(settings) | read}
    path = request.out / TRAINING_STATE
    before = _read(path)
    if request.resume and before is not None:
        _check_equal(before, state, request.out)
        return
    if before is not None and not request.overwrite:
        finished = before.get("finished")
        how = "is finished" if finished else "was not finished; continue it with `resume`"
        raise SettingsError(
            f"{request.out} has a training that {how}; replace it with `overwrite`, or name another folder", "out"
        )
    _check_others(request, before is not None)
    try:
        shutil.rmtree(request.work, ignore_errors=True)
        request.work.mkdir(parents=True)
        write_json(path, state)
    except OSError as error:
        raise ModelError(f"the folder cannot be written: {error.strerror or error}", request.out) from None


def _check_others(request: TrainRequest, is_own: bool) -> None:
    """Raise SettingsError if the folder has files that are not to be replaced; `is_own`: it has a training."""
    if is_own or not request.out.is_dir() or not any(request.out.iterdir()):
        return
    made = (request.out / RECORD).is_file() and not request.work.exists()
    if not made:
        raise SettingsError(
            f"{request.out} has files that are not those of a trained model, and may be yours; name another folder",
            "out",
        )
    if not request.overwrite:
        raise SettingsError(f"{request.out} has a model; name another folder, or replace it with `overwrite`", "out")


def check_inputs(request: TrainRequest) -> None:
    """Raise SettingsError if the folder of the model is also what is read: the base, or the folder of the data."""
    out = request.out.resolve()
    if Path(request.base).is_dir() and Path(request.base).resolve() == out:
        raise SettingsError(f"{request.out} is the base itself, which is needed to judge; name another folder", "out")
    for source in request.data:
        if source.source.startswith(HUB):
            continue
        path = Path(source.source).resolve()
        if out == path or out in path.parents:
            raise SettingsError(f"{source.source} is in the folder {request.out}; name another folder", "out")


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Make the folder of the model, and keep other processes that train into it away.

    Raises SettingsError if another one is at work there, and ModelError if the folder cannot be made.
    """
    if rank() != 0:
        yield
        return
    new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(out, os.O_RDONLY)
    except OSError as error:
        raise ModelError(f"the folder cannot be written: {error.strerror or error}", out) from None
    try:
        if try_lock(descriptor) is False:
            raise SettingsError(f"another process is training into {out}; wait until it ends", "out")
        yield
    finally:
        os.close(descriptor)
        if new:
            with suppress(OSError):
                out.rmdir()  # only if nothing was written


def finish(request: TrainRequest) -> None:
    """Record that the training is finished, and remove its checkpoints and the weights of its base. Raises OSError."""
    path = request.out / TRAINING_STATE
    write_json(path, {**(_read(path) or {}), "finished": True})
    for folder in (request.work / "checkpoints", *request.work.glob("base*")):
        shutil.rmtree(folder, ignore_errors=True)


def discard(request: TrainRequest) -> None:
    """Remove the folder of a training that did not begin, and the model's folder if that is empty then."""
    shutil.rmtree(request.work, ignore_errors=True)
    with suppress(OSError):
        request.out.rmdir()


def is_finished(request: TrainRequest) -> bool:
    """Return whether the folder has a finished training."""
    return bool((_read(request.out / TRAINING_STATE) or {}).get("finished"))


def _check_equal(before: dict[str, Any], now: dict[str, Any], out: Path) -> None:
    changed = [name for name in ("base", "mark") if before.get(name) != now[name]]
    settings = before.get("settings") or {}
    changed += [name for name, value in now["settings"].items() if settings.get(name) != value]
    if len(changed) > 1 and "mark" in changed:
        changed.remove("mark")  # the settings that have changed decide it, too
    if changed:
        names = ", ".join("the data" if name == "mark" else name for name in changed)
        raise SettingsError(
            f"{out} was trained with other values of {names}; resume it with the same ones, or begin anew with "
            "`overwrite`",
            "resume",
        )


def _fixed(settings: TrainSettings) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(settings).items() if name not in _FREE}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
