"""Real engines for tests: given by URL, staged on this machine, in containers, or osmem-server; in this order."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("RESIFT_SHARED") or Path(__file__).parents[3] / "shared")
STAGED = SHARED / "engines" / "engine"
PORTS = {"elasticsearch": 9311, "opensearch": 9321}
IMAGES = {
    "elasticsearch": "docker.elastic.co/elasticsearch/elasticsearch:8.19.0",
    "opensearch": "opensearchproject/opensearch:2.19.1",
}

INSECURE = {
    "elasticsearch": {"xpack.security.enabled": "false"},
    "opensearch": {"DISABLE_SECURITY_PLUGIN": "true", "DISABLE_INSTALL_DEMO_CONFIG": "true"},
}
"""The variables that switch security off in each image; each image rejects those of the other."""


@contextmanager
def running(flavour: str) -> Iterator[str]:
    """Yield the URL of an engine; skip the test, with a reason, if none is available."""
    given = os.environ.get(f"RESIFT_TEST_{flavour.upper()}")
    if given:
        yield given.rstrip("/")
    elif STAGED.exists():
        with staged(flavour, PORTS[flavour]) as url:
            yield url
    elif importlib.util.find_spec("testcontainers") and docker_responds():
        yield from contained(flavour)
    elif flavour == "opensearch" and importlib.util.find_spec("osmem_server"):
        yield from embedded()
    else:
        pytest.skip(f"no {flavour}: set RESIFT_TEST_{flavour.upper()}=URL, or install Docker with testcontainers")


@contextmanager
def staged(flavour: str, port: int, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the URL of the first node; nodes that a killed test run has left on these ports are removed first."""
    command = [str(STAGED), "start", flavour, "--port", str(port), *options]
    nodes = int(options[options.index("--nodes") + 1]) if "--nodes" in options else 1

    def stop() -> None:
        for each in range(port, port + nodes):
            subprocess.run([str(STAGED), "stop", str(each)], env=environment, capture_output=True, check=False)

    stop()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"{' '.join(command)}: {done.stderr.strip()}")
        yield done.stdout.split()[0]
    finally:
        stop()


@contextmanager
def tuned(flavour: str, port: int, **settings: str) -> Iterator[str]:
    """Yield the URL of a separate staged engine with static settings such as thread_pool__write__queue_size."""
    own = Path(tempfile.mkdtemp(prefix="resift-engines-"))
    own.chmod(0o755)  # the engine runs as another user
    home = own / "homes" / flavour
    known = Path(os.environ.get("ENGINES_HOME") or Path(tempfile.gettempdir()) / "engines") / "homes" / flavour
    environment = {**os.environ, "ENGINES_HOME": str(own)}
    try:
        if (known / ".complete").exists():
            home.parent.mkdir()
            subprocess.run(["cp", "-al", str(known), str(home)], check=True)
        else:
            with staged(flavour, port, environment=environment):  # unpacks the engine
                pass
        script = home / "bin" / flavour
        script.rename(script.with_suffix(".real"))
        given = " ".join(f"-E{name.replace('__', '.')}={value}" for name, value in settings.items())
        script.write_text(f'#!/bin/sh\nexec "$(dirname "$0")/{flavour}.real" {given} "$@"\n')
        script.chmod(0o755)
        with staged(flavour, port, environment=environment) as url:
            yield url
    finally:
        shutil.rmtree(own, ignore_errors=True)


def docker_responds() -> bool:
    """Return True if a Docker engine runs; the docker command alone is not enough."""
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def contained(flavour: str) -> Iterator[str]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    container = DockerContainer(IMAGES[flavour]).with_exposed_ports(9200).with_env("discovery.type", "single-node")
    for name, value in INSECURE[flavour].items():
        container.with_env(name, value)
    with container:
        wait_for_logs(container, "started", timeout=180)
        yield f"http://{container.get_container_host_ip()}:{container.get_exposed_port(9200)}"


def embedded() -> Iterator[str]:
    from osmem_server import OsmemServer

    with OsmemServer.start() as server:
        yield server.url
    if server.process.stdout:  # the server itself closes only its standard input
        server.process.stdout.close()


def is_opensearch(url: str) -> bool:
    version = ask("GET", url)["version"]
    return isinstance(version, dict) and version.get("distribution") == "opensearch"


def ask(method: str, url: str, body: object = None) -> dict[str, object]:
    """Send a request to an engine without any client library, and return the JSON of the response."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, object] = json.load(response)
        return found
