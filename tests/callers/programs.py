"""The programs of docs/callers.md, and how to run one of them as its reader would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "callers.md").read_text(encoding="utf-8")
KEY = "the-key-of-the-callers-0123456789"
QUERY = "what do cats eat"
DOCUMENTS = [
    "Dogs bark at night.",
    "Cats eat meat and fish.",
    "A bridge crosses the river.",
    "Cats sleep for most of the day.",
    "Kittens drink milk.",
    "Cows eat grass.",
    "Mice are eaten by cats and owls.",
    "Most cats dislike water.",
    "Bread is made of flour.",
    "A cat needs food with taurine.",
]

PROBES = {
    "curl": ["curl", "--json", "{}", "--version"],
    "node": ["node", "--eval", "fetch"],
    "java": ["java", "--version"],
    "go": ["go", "version"],
    "php": ["php", "-r", "exit(extension_loaded('curl') ? 0 : 1);"],
    "ruby": ["ruby", "-r", "net/http", "-e", ""],
    "npm": ["npm", "--version"],
    "jq": ["jq", "--version"],
}
"""Runtime -> a command that succeeds if it is installed and new enough."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the page: its `source`, the `command` that runs it, and the packages of npm that it needs."""

    command: tuple[str, ...]
    packages: tuple[str, ...]
    source: str

    @property
    def name(self) -> str:
        return self.command[-1]

    @property
    def runtime(self) -> str:
        return "curl" if self.command[0] == "sh" else self.command[0]


def programs() -> list[Program]:
    """Return the programs in the order of the page."""
    marked = r"<!-- run: ([^;\n]+?)(?:; npm: ([^\n]+?))? -->\n```\w+\n(.*?)```"
    found = re.findall(marked, PAGE, flags=re.DOTALL)
    return [Program(tuple(command.split()), tuple(npm.split()), source) for command, npm, source in found]


def need(runtime: str) -> None:
    """Skip the test if a runtime is missing or too old."""
    if shutil.which(runtime) is None or subprocess.run(PROBES[runtime], capture_output=True).returncode:
        pytest.skip(f"{runtime} is not installed, or too old")


def environment(url: str, key: str) -> dict[str, str]:
    """Return the environment of a caller whose machine needs no proxy for its own services."""
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**own, "RERANK_URL": url.replace("127.0.0.1", "localhost"), "RERANK_KEY": key}


def run(program: Program, folder: Path, url: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    """Write a program into a folder and run it there."""
    (folder / program.name).write_text(program.source, encoding="utf-8")
    variables = environment(url, key)
    return subprocess.run(program.command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120)


def printed(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the documents in the order in which a program printed them."""
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("{"):  # curl prints the reply
        return [result["document"]["text"] for result in json.loads(done.stdout)["results"]]
    return [line.split(" ", 1)[1] for line in done.stdout.splitlines()]
