"""Upload a model's folder to the Hugging Face Hub, unless its gate did not pass."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from resift.rerank.scorers.card import CARD
from resift.rerank.scorers.hub import CONFIGURATION, REPOSITORY, WEIGHTS
from resift.rerank.scorers.model_folder import ModelFolder, read_folder
from resift.rerank.scorers.resift_file import update_resift_file
from resift.rerank.training.card.sections import search_command
from resift.rerank.training.gate.fingerprint import weights_key
from resift.rerank.training.record import read_record
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line

UPLOADED = (
    *dict.fromkeys((*CONFIGURATION, *WEIGHTS["torch"], *WEIGHTS["onnx"])),
    *("chat_template.jinja", "proof.json", "LICENSE*", "NOTICE*"),
    *("*.svg", "*.png", "training/*.svg", "training/*.png"),
    *("*.onnx", "onnx/*.onnx", "[0-9]*_*/config.json", "[0-9]*_*/*.safetensors"),
)
"""Patterns of the files of a model that are uploaded, as paths below its folder.

Everything else stays: checkpoints, the record of the training with the names of local files, the hashes of its texts.
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """What was uploaded, or would be: the repository, the size in bytes of each file, and the commit's address.

    `address` is "" if nothing was sent.
    """

    repository: str
    private: bool
    files: Mapping[str, int] = field(default_factory=dict)
    address: str = ""

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(self.files.values())


def check_repository(repository: str) -> None:
    """Raise SettingsError if `repository` is not a name on the hub, "org/name"."""
    if not REPOSITORY.fullmatch(repository):
        raise SettingsError(f"{repository!r} is not a name on the hub; expected org/name", "repository")


def push(folder: Path, repository: str, private: bool = True, forced: bool = False, dry_run: bool = False) -> Upload:
    """Upload a model's folder to `repository` ("org/name"), which is created, `private` or not, if it does not exist.

    Only files of the model go (`UPLOADED`). The card shows the repository's name in its examples instead of the
    folder's. The token is that of huggingface_hub (HF_TOKEN, or its login), and it is never shown. With `dry_run`,
    nothing is sent. A model whose gate did not pass, or that was not judged, is refused unless `forced`; its card then
    says so. Raises SettingsError on a bad name of a repository, and ModelError if the folder is not a model, is
    refused, or the upload fails.
    """
    check_repository(repository)
    model = read_folder(folder)
    model.check()
    _check_gate(model, forced and not dry_run, allowed=forced)
    upload = Upload(repository, private, {name: (folder / name).stat().st_size for name in uploaded_files(folder)})
    if not any(name.endswith((".safetensors", ".onnx")) for name in upload.files):
        raise ModelError("the folder has no weights (model.safetensors or model.onnx); export the model first", folder)
    return upload if dry_run else _send(folder, upload)


def uploaded_files(folder: Path) -> list[str]:
    """Return the paths below `folder` of the files that an upload sends, with "/" between folders, sorted."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(
        name
        for name in paths
        if any(fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for pattern in UPLOADED)
    )


def _check_gate(model: ModelFolder, forcing: bool, allowed: bool) -> None:
    """Raise ModelError unless the gate lets the model pass, or it is `allowed` all the same.

    With `forcing`, that is stored with the model, and its card says so.
    """
    gate: Any = model.resift.get("gate")
    gate = gate if isinstance(gate, Mapping) else {}
    promoted = gate.get("passed") is True or gate.get("forced") is True
    changed = bool(gate.get("weights")) and gate["weights"] != weights_key(model.path)
    if promoted and not changed:
        return
    if not allowed:
        given = "; ".join(str(reason) for reason in gate.get("reasons", ()))
        why = f"it did not pass its gate ({given})" if gate else "it was not judged; run `resift gate` first"
        why = "its weights changed after it was judged; run `resift gate` again" if promoted else why
        raise model.error(f"{why}. It is uploaded only if that is forced")
    if forcing and gate:
        reasons = [*gate.get("reasons", ()), *(["its weights changed after it was judged"] if changed else [])]
        recorded = read_record(model.path) is not None
        update_resift_file(model.path, {"gate": {**gate, "passed": False, "forced": True, "reasons": reasons}})
        if recorded:
            from resift.rerank.training.card import write_card

            write_card(model.path)


def _send(folder: Path, upload: Upload) -> Upload:
    """Create the repository and upload the files in one commit. Raises ModelError."""
    try:
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ModelError(f"an upload needs huggingface_hub: {install_line('gpu')}", folder) from error
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="resift")
    operations = [
        CommitOperationAdd(name, _card(folder, upload.repository) if name == CARD else str(folder / name))
        for name in upload.files
    ]
    try:
        api.create_repo(upload.repository, private=upload.private, exist_ok=True, repo_type="model")
        message = f"Upload {folder.resolve().name} with resift"
        done = api.create_commit(upload.repository, operations, commit_message=message)
    except (HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        raise ModelError(_reason(error), upload.repository) from error
    return Upload(upload.repository, upload.private, upload.files, str(done.commit_url))


def _card(folder: Path, repository: str) -> bytes:
    """Return the card with the repository's name where its examples load the model."""
    text = (folder / CARD).read_text(encoding="utf-8", errors="replace")
    name = folder.resolve().name
    text = text.replace(f'("{name}")', f'("{repository}")')
    return text.replace(search_command(name), search_command(repository)).encode()


def _reason(error: Exception) -> str:
    """Return why an upload failed and what to do, without a request's headers, which an error may have in its text."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if type(error).__name__ == "LocalTokenNotFoundError" or status == 401:
        return "the Hugging Face Hub does not know you; set HF_TOKEN to a token that may write, or run `hf auth login`"
    if status == 403:
        return "your token has no right to write there; use one with the right to write to this name"
    if type(error).__name__ == "OfflineModeIsEnabled":
        return "HF_HUB_OFFLINE is set, so that nothing can be uploaded; unset it"
    if isinstance(error, ValueError):
        return f"the Hugging Face Hub refuses the card or a file: {' '.join(str(error).split())[:300]}"
    which = f"status {status}" if status else type(error).__name__
    return f"the upload failed ({which}); try again: files that were sent are not sent twice"
