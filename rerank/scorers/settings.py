"""The settings of the scorer, separate from it so that the command line can list them without loading anything."""

from __future__ import annotations

from dataclasses import dataclass

from resift.rerank.scorers.registry import BACKENDS, DEFAULT_MODEL
from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

MOST_THREADS = 512

CPU_BATCH_TOKENS = 1024
"""Fits a CPU's caches: 512 and 1024 were fastest on MiniLM and BERT-tiny (scripts/bench_rerank.py)."""

GPU_BATCH_TOKENS = 65536


@dataclass(frozen=True, slots=True)
class ScorerSettings:
    """Which model scores, where it runs and how much at once."""

    model: str = setting(
        DEFAULT_MODEL, "The model: resift-minilm-l3, a folder, a Hugging Face name (org/name or org/name@rev), or none."
    )
    revision: str | None = setting(None, "The branch, tag or commit of a Hugging Face model; the newest if not given.")
    backend: str = setting(
        "auto", "What runs the model: auto takes what the folder holds.", choices=("auto", *BACKENDS)
    )
    device: str = setting("auto", "Where it runs: auto, cpu, cuda, cuda:1 or mps.")
    dtype: str = setting(
        "auto",
        "The precision of a torch model: auto is bfloat16 or float16 on a GPU and float32 elsewhere.",
        choices=("auto", "float32", "float16", "bfloat16"),
    )
    max_length: int | None = setting(None, "The longest pair in tokens; what the model's folder says if not given.")
    batch_tokens: int | None = setting(
        None,
        "The most tokens in a batch, padding counted; "
        f"{CPU_BATCH_TOKENS} on a CPU and {GPU_BATCH_TOKENS} on a GPU if not given.",
    )
    threads: int | None = setting(None, "CPU threads of the model; all cores if not given.")
    offline: bool = setting(False, "Never ask the network for a model; use the local cache alone.")
    model_cache: str | None = setting(None, "The folder of downloaded models; Hugging Face's own cache if not given.")

    def __post_init__(self) -> None:
        """Refuse values that cannot be used."""
        for name in ("max_length", "batch_tokens", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{value} is below 1", name)
        if self.threads is not None and self.threads > MOST_THREADS:
            raise SettingsError(
                f"{self.threads} is above {MOST_THREADS}; more threads than cores only slow it", "threads"
            )
        if self.backend not in ("auto", *BACKENDS):
            raise SettingsError(f"{self.backend!r} is not known; expected auto, {', '.join(BACKENDS)}", "backend")
        if self.dtype not in ("auto", "float32", "float16", "bfloat16"):
            raise SettingsError(f"{self.dtype!r} is not known; expected auto, float32, float16 or bfloat16", "dtype")
