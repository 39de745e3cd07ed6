"""Run the programs of tests/clients/programs, each with clients of other vendors in their own environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from resift.rerank.scorers.load import load_scorer

ROOT = Path(__file__).parents[2]

KEY = "a-key-of-the-tests"
"""The key of the service that needs one."""

QUERY = "what do cats eat"

DOCUMENTS = ["Dogs bark at night.", "Cats live on meat and fish.", "A bridge crosses the river."]

PAGE = ROOT / "docs" / "clients.md"
"""The page whose examples the programs run, besides their own calls."""

SECTIONS = {
    "cohere_v2": "Cohere",
    "voyage": "Voyage",
    "tei": "Plain calls",
    "infinity": "Infinity",
    "in_langchain": "LangChain",
    "in_llama_index": "LlamaIndex",
    "in_haystack": "Haystack",
    "in_litellm": "LiteLLM",
}
"""Program -> the section of the page whose examples it runs."""

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_WAIT = 120
"""Seconds that a program may take, on a machine that is busy with other tests."""


@dataclass(frozen=True, slots=True)
class ClientPrograms:
    """The environment of the clients; those that `older` names have an older version."""

    python: Path
    older: tuple[str, ...] = ()

    def run(self, name: str, url: str, **given: Any) -> Any:
        """Return the JSON object that the program `name` writes for a service at `url`.

        Its "examples" are pairs for each example of its section of the page: what it printed, and what it says there.
        """
        blocks = examples().get(SECTIONS.get(name, ""), [])
        program = self.start(name, url, examples=[localized(block, url) for block in blocks], **given)
        output, errors = program.communicate(timeout=_WAIT)
        assert program.returncode == 0, errors
        reply = json.loads(output)
        reply["examples"] = list(zip(reply["examples"], map(comment, blocks), strict=True))
        return reply

    def start(self, name: str, url: str, **given: Any) -> subprocess.Popen[str]:
        """Start the program `name`, which reads from standard input what it is `given`."""
        program = subprocess.Popen(
            [self.python, ROOT / "tests" / "clients" / "programs" / f"{name}.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._variables(),
        )
        assert program.stdin is not None
        program.stdin.write(json.dumps({"url": url, "key": KEY, "query": QUERY, "documents": DOCUMENTS, **given}))
        program.stdin.close()
        program.stdin = None  # communicate would write to it
        return program

    def _variables(self) -> dict[str, str]:
        hidden = (
            "PYTHON",
            "RESIFT_",
            "COHERE_",
            "CO_API",
            "VOYAGE_",
            "JINA",
            "HF_",
            "LITELLM_",
            "LANGSMITH_",
            "LANGCHAIN_",
        )
        variables = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        folder = self.python.parents[1] / "older"
        variables["PYTHONPATH"] = os.pathsep.join(str(folder / name) for name in self.older)
        # the clients report their use, and fetch tables, unless these say otherwise
        silent = {"HAYSTACK_TELEMETRY_ENABLED": "False", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        return {**variables, **silent, "NO_PROXY": "127.0.0.1,localhost"}


def examples() -> dict[str, list[str]]:
    """Return the examples of the page by the names of their sections; each begins with those before the sections."""
    start, *sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [given] = _BLOCK.findall(start)
    found = {section.partition("\n")[0]: _BLOCK.findall(section) for section in sections}
    return {name: [given + block for block in blocks] for name, blocks in found.items() if blocks}


def localized(block: str, url: str) -> str:
    """Return an example with the address and the key of a service."""
    return block.replace("http://localhost:8080", url).replace('KEY"', f'{KEY}"')


def comment(block: str) -> str:
    """Return what an example prints, according to the comment at its end."""
    return block.rstrip().rpartition("  # ")[2]


def make_environment() -> tuple[ClientPrograms | None, str]:
    """Return the clients, made first where they are missing; without a package registry None, and the reason."""
    done = subprocess.run(
        [ROOT / "scripts" / "client_environment"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return None, f".venv-clients cannot be made: {' '.join(done.stderr.split())[-300:]}"
    return ClientPrograms(ROOT / ".venv-clients" / "bin" / "python"), ""


@cache
def _scorer() -> Any:
    return load_scorer("resift-tiny")


def ranked(documents: Sequence[str] = DOCUMENTS, top_n: int | None = None, *, raw: bool = False) -> list[Any]:
    """Return what a client must get for QUERY: (index, score) pairs of the model in this process, best first."""
    rows = _scorer().rank(QUERY, documents, top_n, activation="identity" if raw else "sigmoid")
    return [(row["corpus_id"], row["score"]) for row in rows]


def assert_examples(reply: Any) -> None:
    """Check that the examples that a program ran printed what the page says."""
    assert reply["examples"], "no example was run"
    for printed, wanted in reply["examples"]:
        assert printed == wanted


def assert_ranked(found: Sequence[Sequence[Any]], wanted: Sequence[tuple[int, float]]) -> None:
    """Check that the (index, score) pairs that a client got are those that are `wanted`."""
    assert [index for index, _ in found] == [index for index, _ in wanted], found
    for (_, score), (_, other) in zip(found, wanted, strict=True):
        assert abs(score - other) < 1e-6, (found, wanted)
