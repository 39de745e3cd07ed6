"""Download models with the real client from a local server that imitates huggingface.co."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.rerank.scorers.small_models import export_onnx, save_family

COMMIT = "1234567890abcdef1234567890abcdef12345678"


class Hub(ThreadingHTTPServer):
    """Serves one folder as the repository org/name, and records the downloaded files and the tokens."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(HubHandler))
        self.folder, self.fetched, self.tokens = folder, set[str](), set[str | None]()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class HubHandler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.tokens.add(self.headers["Authorization"])
        path = self.path.split("?")[0]
        if path in ("/api/models/org/name", "/api/models/org/name/revision/main"):
            return self.answer(json.dumps(self.described()).encode())
        if path == f"/api/models/org/name/tree/{COMMIT}":
            return self.answer(json.dumps(self.tree()).encode())
        name = path.removeprefix(f"/org/name/resolve/{COMMIT}/")
        file = self.server.folder / name
        if name == path or not file.is_file():
            return self.refuse()
        if self.command == "GET":
            self.server.fetched.add(name)
        return self.answer(file.read_bytes())

    do_HEAD = do_GET

    def tree(self) -> list[dict[str, object]]:
        files = [path for path in self.server.folder.rglob("*") if path.is_file()]
        names = [str(path.relative_to(self.server.folder)) for path in files]
        sizes = [path.stat().st_size for path in files]
        return [{"type": "file", "oid": "0", "path": n, "size": s} for n, s in zip(names, sizes, strict=True)]

    def described(self) -> dict[str, object]:
        return {"id": "org/name", "sha": COMMIT, "siblings": [{"rfilename": file["path"]} for file in self.tree()]}

    def answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("ETag", f'"{sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def refuse(self) -> None:
        code = "RevisionNotFound" if "/org/name" in self.path else "RepoNotFound"
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = save_family("bert", tmp_path / "repository")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling_mine.py").write_text("raise SystemExit('remote code ran')")
    with Hub(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def load(hub: Hub, cache: Path, model: str, backend: str = "auto") -> subprocess.CompletedProcess[str]:
    """Load and score in a new process, because the client reads its address and token when it is imported."""
    program = (
        "from resift import ScorerSettings, load_scorer\n"
        f"scorer = load_scorer({model!r}, ScorerSettings(model_cache={str(cache)!r}, backend={backend!r}))\n"
        "print(type(scorer).__name__, len(scorer.rank('cat', ['dog', 'river'])))\n"
    )
    unset = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = unset | {"HF_ENDPOINT": hub.address, "HF_TOKEN": "hf_secretsecret", "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)


def test_a_model_is_downloaded_with_its_safetensors_and_without_files_that_can_run_code(
    hub: Hub, tmp_path: Path
) -> None:
    done = load(hub, tmp_path / "cache", "org/name")
    assert (done.returncode, done.stdout) == (0, "CrossEncoder 2\n"), done.stderr
    assert hub.fetched == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert "Bearer hf_secretsecret" in hub.tokens
    assert "hf_secret" not in done.stderr


def test_a_repository_with_only_onnx_runs_on_onnx_runtime(hub: Hub, tmp_path: Path) -> None:
    export_onnx(hub.folder, "onnx/model.onnx")
    (hub.folder / "model.safetensors").unlink()
    done = load(hub, tmp_path / "cache", "org/name@main")
    assert (done.returncode, done.stdout) == (0, "OnnxCrossEncoder 2\n"), done.stderr
    assert "pytorch_model.bin" not in hub.fetched


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("org/name@v9", "ModelError: org/name: the model does not have a revision 'v9'"),
        ("org/other", "ModelError: org/other: neither a folder nor a public Hugging Face model has this name"),
    ],
)
def test_a_model_or_revision_that_the_hub_does_not_have_is_reported_in_one_line(
    hub: Hub, tmp_path: Path, model: str, message: str
) -> None:
    done = load(hub, tmp_path / "cache", model)
    assert message in done.stderr.splitlines()[-1]
    assert "hf_secret" not in done.stderr
