"""How to install what an optional part of resift needs, from where resift itself was installed.

The name `resift` is looked up on a package index only if resift came from one: elsewhere it can be another package.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

EXTRAS = {
    "async": ("aiohttp>=3.9",),
    "aws": ("boto3>=1.34",),
    "corpora": ("datasets>=3.0", "ir-datasets>=0.5.9", "pyarrow>=17"),
    "gpu": ("torch>=2.4", "transformers>=4.48", "safetensors>=0.4.5", "huggingface-hub>=0.26"),
    "otel": ("opentelemetry-exporter-otlp-proto-http>=1.27", "opentelemetry-sdk>=1.27"),
    "pdf": ("pypdf>=4.0",),
    "proxy": ("resift[serve]", "uvloop>=0.19; sys_platform != 'win32'"),
    "remote": ("httpx>=0.27",),
    "serve": (
        "httptools>=0.6",
        "msgspec>=0.19",
        "prometheus-client>=0.21",
        "starlette>=0.41",
        "uvicorn>=0.47",
    ),
    "train": (
        "resift[gpu,corpora]",
        "accelerate>=1.1",
        "codecarbon>=2.8",
        "matplotlib>=3.8",
        "onnx>=1.16",
        "sentence-transformers>=6.0",
    ),
}
"""Extra that a message names -> its requirements, as in pyproject.toml."""

_INSTALLERS = {"pip": "pip install", "uv": "uv pip install"}
"""Content of the INSTALLER file of an installed package -> the command that installs more."""


def install_line(extra: str) -> str:
    """Return the command that installs the extra `extra`, a key of `EXTRAS`, for the resift that is running."""
    try:
        installed = distribution("resift")
    except PackageNotFoundError:
        installed = None
    return install_line_of(extra, installed, Path(__file__))


def install_line_of(extra: str, installed: Distribution | None, running: Path) -> str:
    """Return the command that installs `extra` for one installation.

    `installed` is the metadata of resift, None if there is none; `running` is a file of the code that runs. Where the
    source of the installation is not known, or is not there any more, the command names the requirements themselves.
    """
    command = _INSTALLERS.get((installed.read_text("INSTALLER") or "").strip()) if installed else None
    source = _source(installed, extra, running.resolve()) if installed and command else None
    return f"{command or 'pip install'} {source or ' '.join(map(_quote, _requirements(extra)))}"


def _requirements(extra: str) -> list[str]:
    """Return the requirements of an extra, with those of the extras that it includes, but never resift itself."""
    found: list[str] = []
    for requirement in EXTRAS[extra]:
        included = re.fullmatch(r"resift\[([\w,]+)\]", requirement)
        found += [one for name in included[1].split(",") for one in _requirements(name)] if included else [requirement]
    return found


def _source(installed: Distribution, extra: str, running: Path) -> str | None:
    """Return the arguments that install resift again with `extra`, or None if it cannot be known what they are.

    `running` is a file of the code that runs: the metadata may be those of another copy of resift.
    """
    origin = _origin(installed)
    if origin is not None and origin.get("dir_info", {}).get("editable"):
        folder = _local(origin)
        ours = folder is not None and running.is_relative_to(folder.resolve())
        return f"-e {_quote(f'{folder}[{extra}]')}" if ours else None
    package = Path(str(installed.locate_file("resift"))).resolve()
    wanted = _requirement(origin, extra) if running.is_relative_to(package) else None
    return _quote(wanted) if wanted else None


def _origin(installed: Distribution) -> dict[str, Any] | None:
    """Return direct_url.json (PEP 610), which an installer writes if a package does not come from an index."""
    try:
        found = json.loads(installed.read_text("direct_url.json") or "null")
    except ValueError:
        return {}
    return found if found is None or isinstance(found, dict) else {}


def _requirement(origin: dict[str, Any] | None, extra: str) -> str | None:
    """Return the requirement that installs resift with `extra` again, or None if its source is not there any more."""
    if origin is None:
        return f"resift[{extra}]"
    url = re.sub(r"//[^/@]*:[^/@]*@", "//", str(origin.get("url", "")))  # never a password
    if version := origin.get("vcs_info"):
        revision = version.get("requested_revision") or version.get("commit_id")
        folder = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
        return f"resift[{extra}] @ {version.get('vcs')}+{url}{f'@{revision}' if revision else ''}{folder}"
    if urlsplit(url).scheme in ("http", "https"):
        return f"resift[{extra}] @ {url}"
    path = _local(origin)
    return f"{path}[{extra}]" if path is not None else None


def _local(origin: dict[str, Any]) -> Path | None:
    """Return the folder or file of a file URL, or None if it does not exist."""
    parts = urlsplit(str(origin.get("url", "")))
    path = Path(url2pathname(parts.path)) if parts.scheme == "file" else None
    return path if path is not None and path.exists() else None


def _quote(argument: str) -> str:
    """Return `argument` as one word for the shell of this system."""
    return f'"{argument}"' if os.name == "nt" else shlex.quote(argument)
