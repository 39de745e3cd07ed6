"""The options by which a training uploads the model that it made, and the upload at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from resift.rerank.cli.messages import say, say_note

Command = Callable[..., Any]


def push_options(command: Command) -> Command:
    """Decorate a command that trains: give it --push and --public, the fields of `PushOptions`."""
    options = (
        click.option(
            "--push",
            "repository",
            metavar="ORG/NAME",
            help="Upload the model to ORG/NAME on the Hugging Face Hub, if it passes the gate; see `resift push`.",
        ),
        click.option("--public", is_flag=True, help="Make a new repository public; it is private otherwise."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class PushOptions:
    """Where the model is uploaded at the end of its training, None if it is not; and whether others see it."""

    repository: str | None
    public: bool

    def check(self, judged: bool, force: bool, *students: str) -> None:
        """Raise click.UsageError or SettingsError, before any work, if nothing could be uploaded at its end.

        `judged`: whether the gate will judge the model. `students` are the names of the models if there are several.
        """
        from resift.rerank.training.push import check_repository

        if self.repository is None:
            if self.public:
                raise click.UsageError("--public would have no effect without --push; leave it out")
            return
        for student in students or ("",):
            check_repository(self._named(student))
        if not judged and not force:
            raise click.UsageError(
                "--push uploads a model that passed the gate, and nothing will judge this one; name dev sets with "
                "--dev, or upload it all the same with --force"
            )

    def upload(self, folder: Path, promoted: bool, force: bool, as_json: bool, student: str = "") -> None:
        """Upload the model in `folder` if that was asked for; one that is not `promoted` is left out with a note.

        `student`: its name if there are several. Raises ModelError if the upload fails; it says how to repeat it.
        """
        from resift.rerank.cli.output import echo
        from resift.rerank.training.push import push
        from resift.retrieval.errors import ModelError

        if self.repository is None:
            return
        repository = self._named(student)
        if not promoted:
            say_note(f"{folder} is not uploaded, because it did not pass the gate")
            return
        try:
            done = push(folder, repository, private=not self.public, forced=force)
        except ModelError as error:
            again = f"resift push {folder} {repository}{' --public' * self.public}{' --force' * force}"
            raise ModelError(f"{error}. The model is complete in {folder}; upload it with `{again}`") from error
        (say if as_json else echo)(f"{folder}: uploaded to {done.address}")

    def _named(self, student: str) -> str:
        return f"{self.repository}-{student}" if student else str(self.repository)
