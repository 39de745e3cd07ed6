"""The peers that serve the same model, as far as they are installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ..shared_data import ROOT
from .figures import say
from .server import HOST, Command

THREADS = "FastAPI + sentence-transformers (def)"
LOOP = "FastAPI + sentence-transformers (async def)"
INFINITY = "infinity-emb"

_NEEDED = "import fastapi, uvicorn, sentence_transformers"


@contextmanager
def peers(python: Path, infinity: Path | None) -> Iterator[list[Command]]:
    """Yield the commands of the peers, the model beside them in a temporary folder.

    `python` runs the server with FastAPI, once for each of its two routes; `infinity` is the program infinity_emb, if
    it is installed. Raises ClickException if `python` lacks a library, or the model cannot be written.
    """
    if subprocess.run([python, "-c", _NEEDED], capture_output=True).returncode:
        raise click.ClickException(f"{python} cannot {_NEEDED}; give another --peer-python")
    with TemporaryDirectory(prefix="resift-") as folder:
        say("the default model, with float32 weights")
        made = [sys.executable, "-m", "scripts.bench_serve.peer_model", folder]
        done = subprocess.run(made, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise click.ClickException(f"the model of the peers cannot be written:\n{done.stderr[-2000:]}")
        server = (str(python), str(Path(__file__).with_name("peer_server.py")), folder, "{port}")
        found = [
            Command(THREADS, server, "/rerank", "/health"),
            Command(LOOP, server, "/async/rerank", "/health"),
        ]
        if infinity is not None:
            found.append(Command(INFINITY, _infinity(infinity, folder), "/rerank", "/health"))
        yield found


def _infinity(program: Path, model: str) -> list[str]:
    where = ["--host", HOST, "--port", "{port}", "--log-level", "warning"]
    how = ["--engine", "torch", "--device", "cpu", "--no-bettertransformer", "--dtype", "float32"]
    return [str(program), "v2", "--model-id", model, *where, *how]
