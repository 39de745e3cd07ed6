"""The settings of the proxy, in a file that is cheap to import for the command line."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

_AT_LEAST = {"search_deadline_ms": 1, "max_searches": 1, "remembered_rankings": 0, "breaker_failures": 1}
_ABOVE_ZERO = ("remembered_seconds", "breaker_seconds", "stop_seconds")


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Between whom the proxy stands, which searches it reranks, and how long it may take for that."""

    listen: str = setting("127.0.0.1:9400", "Where applications reach the proxy, as HOST:PORT.")
    admin: str = setting(
        "127.0.0.1:9401",
        "Where the proxy is switched and watched, as HOST:PORT, for this machine or a trusted network alone; none: "
        "nowhere.",
    )
    share_port: bool = setting(
        False, "Listen on a port that another proxy uses, so that it can be replaced without a gap (not on Windows)."
    )
    opt_in: bool = setting(True, "Rerank a search of any other index too if its request has the header X-Resift: on.")
    shadow: bool = setting(False, "Return the engine's order, rerank beside it, and log how the two differ.")
    interleave: bool = setting(False, "Mix both orders by team draft, and log which of them each hit is from.")
    search_log: str | None = setting(
        None, "The file to which searches are logged, one JSON object per line, for `resift report`.", flag="log"
    )
    log_texts: bool = setting(True, "Write the words of a query into that log; else only a hash of them.")
    search_deadline_ms: int = setting(
        1000, "Milliseconds for a search with its reranking; then the engine's own order is returned."
    )
    max_searches: int = setting(64, "How many searches are reranked at once; others get the engine's own order.")
    breaker_failures: int = setting(
        5, "After so many failures of the model in a row no search waits for it for a while."
    )
    breaker_seconds: float = setting(
        5.0, "How long that is at first; it doubles each time that the model still fails, up to 60."
    )
    remembered_rankings: int = setting(
        2000, "How many rankings are remembered, so that later pages continue them; about 20 KB each."
    )
    remembered_seconds: float = setting(300.0, "How long a ranking is remembered after it was last used.")
    stop_seconds: float = setting(30.0, "How long requests under way may take after the proxy was asked to stop.")

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                raise SettingsError(f"{getattr(self, name)} is below {least}; expected {least} or more", name)
        for name in _ABOVE_ZERO:
            if not 0 < getattr(self, name) <= 1e6:
                raise SettingsError(f"{getattr(self, name)} is not a number of seconds above 0", name)
        if self.shadow and self.interleave:
            raise SettingsError("`shadow` and `interleave` exclude each other; give one of them", "interleave")
        if (self.shadow or self.interleave) and not self.search_log:
            name = "shadow" if self.shadow else "interleave"
            raise SettingsError(f"`{name}` is of no use without a log; give `search_log` FILE", name)
