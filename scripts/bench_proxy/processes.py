"""The processes that are measured: the proxy, nginx beside it, the rerank service, and a slow one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

HOST = "127.0.0.1"
_READY_WITHIN = 120.0

_NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream engine {{ server {engine}; keepalive 100; }}
  server {{
    listen {host}:{port};
    location / {{ proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def free_port() -> int:
    """Return a port that nothing uses now."""
    with socket.socket() as made:
        made.bind((HOST, 0))
        return int(made.getsockname()[1])


@contextmanager
def nginx(engine: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an nginx that passes everything to `engine`. Raises ClickException without nginx."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise click.ClickException("nginx is not installed; it is the proxy that ours is measured beside")
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, engine=engine.removeprefix("http://"), host=HOST, port=port))
    with running([found, "-c", str(file)], f"http://{HOST}:{port}/"):
        yield f"http://{HOST}:{port}"


@contextmanager
def proxy(engines: str, index: str, options: Sequence[str] = ()) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Yield the URL and the process of a proxy before `engines` that is ready; `options` may give its addresses."""
    given = dict(zip(options, options[1:], strict=False))
    listen, admin = (given.get(name, f"{HOST}:{free_port()}") for name in ("--listen", "--admin"))
    words = ["proxy", "--to", engines, "--index", index, *options, "--listen", listen, "--admin", admin]
    with running([sys.executable, "-m", "resift", *words], f"http://{admin}/ready") as process:
        yield f"http://{listen}", process


@contextmanager
def service(options: Sequence[str] = (), port: int = 0) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Yield the URL and the process of a rerank service that is ready."""
    port = port or free_port()
    command = [sys.executable, "-m", "resift", "serve", "--port", str(port), *options]
    with running(command, f"http://{HOST}:{port}/ready") as process:
        yield f"http://{HOST}:{port}", process


@contextmanager
def running(command: Sequence[str], url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process once `url` answers with 200, and stop it. Raises ClickException if it does not."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _READY_WITHIN
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > end:
                raise click.ClickException(f"{' '.join(command[:4])} did not become ready")
            time.sleep(0.1)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False
