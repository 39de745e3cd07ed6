"""The settings of the scorer, in their own module so that the command line lists them without loading a model."""

from __future__ import annotations

from dataclasses import dataclass

from resift.rerank.scorers.registry import BACKENDS, DEFAULT_MODEL
from resift.rerank.scorers.server_address import is_address, read_address
from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

MAX_THREADS = 512
LONGEST_TIMEOUT = 86400.0  # seconds

CPU_BATCH_TOKENS = 1024
"""Default tokens per batch on a CPU, including padding; fits into its caches.

512 and 1024 were fastest with MiniLM and BERT-tiny (scripts/bench_rerank.py).
"""

GPU_BATCH_TOKENS = 65536
"""Default tokens per batch on a GPU, including padding."""


@dataclass(frozen=True, slots=True)
class ScorerSettings:
    """Which model scores, on which device, and how many tokens at once."""

    model: str = setting(
        DEFAULT_MODEL,
        "The model: an embedded one, a folder, a Hugging Face name (org/name or org/name@rev), the address of a server "
        "(http://host:8080 or cohere+https://api.cohere.com#rerank-v3.5), or none.",
    )
    revision: str | None = setting(
        None, "The branch, tag or commit of a Hugging Face model; its main branch if not given."
    )
    backend: str = setting(
        "auto", "The runtime of the model; auto chooses it by the model's weight files.", choices=("auto", *BACKENDS)
    )
    device: str = setting("auto", "The device that runs the model: auto, cpu, cuda, cuda:1 or mps.")
    dtype: str = setting(
        "auto",
        "The precision of a torch model; auto is bfloat16 or float16 on a CUDA GPU, else float32.",
        choices=("auto", "float32", "float16", "bfloat16"),
    )
    max_length: int | None = setting(
        None, "The maximum tokens of a query with its document; the model's own limit if not given."
    )
    batch_tokens: int | None = setting(
        None,
        "The maximum tokens of a batch, including padding; "
        f"{CPU_BATCH_TOKENS} on a CPU and {GPU_BATCH_TOKENS} on a GPU if not given.",
    )
    threads: int | None = setting(None, "The number of CPU threads for the model; all cores if not given.")
    offline: bool = setting(False, "Never download a model; use only the local cache.")
    model_cache: str | None = setting(
        None, "The folder for downloaded models; the default Hugging Face cache if not given."
    )
    model_timeout: float = setting(
        60.0, "The seconds that a model's server has to answer a request, and for which a failed one is retried."
    )

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        for name in ("max_length", "batch_tokens", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{value} is below 1; expected 1 or more", name)
        if not 0.0 < self.model_timeout <= LONGEST_TIMEOUT:
            message = f"{self.model_timeout:g} is not a time; expected seconds, above 0 and at most {LONGEST_TIMEOUT:g}"
            raise SettingsError(message, "model_timeout")
        if is_address(self.model):
            read_address(self.model)
        if self.threads is not None and self.threads > MAX_THREADS:
            raise SettingsError(
                f"{self.threads} is above {MAX_THREADS}; use at most the number of CPU cores", "threads"
            )
        if self.backend not in ("auto", *BACKENDS):
            raise SettingsError(f"{self.backend!r} is not known; expected auto, {', '.join(BACKENDS)}", "backend")
        if self.dtype not in ("auto", "float32", "float16", "bfloat16"):
            raise SettingsError(f"{self.dtype!r} is not known; expected auto, float32, float16 or bfloat16", "dtype")
