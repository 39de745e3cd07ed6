"""The settings of the service, in a file that is cheap to import for the command line."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

LOG_FORMATS = ("auto", "text", "json")
"""Forms of the log: text for a person, json for programs; auto is text on a terminal."""

_AT_LEAST = {  # setting -> its least value
    "port": 0,
    "max_documents": 1,
    "max_body_mb": 1,
    "max_text_characters": 1,
    "max_requests": 1,
    "score_cache_mb": 0,
    "model_memory_mb": 1,
}
_ABOVE_ZERO = ("max_queue_seconds", "drain_seconds", "receive_seconds")


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Where the service listens, whom it lets in, and how much it takes on."""

    host: str = setting("127.0.0.1", "The address to listen on; others than this machine's own need `keys_file`.")
    port: int = setting(8080, "The port to listen on; 0 takes a free one.")
    keys_file: str | None = setting(
        None,
        "A file with the keys that let callers in, one NAME:KEY per line; RESIFT_SERVICE_KEYS has them, separated by "
        "commas, if it is not given.",
    )
    insecure: bool = setting(False, "Listen on an address that others can reach although no key is needed.")
    tls_cert: str | None = setting(None, "The certificate with which the service answers by HTTPS, a PEM file.")
    tls_key: str | None = setting(None, "The private key of that certificate, if it is in a file of its own.")
    tls_client_ca: str | None = setting(None, "Callers need a certificate of this authority, a PEM file.")
    serve_model: str | None = setting(
        None,
        "A further model that requests may name: NAME or NAME=MODEL, with ?passages=N&max_length=N for its own values.",
        repeatable=True,
        separator="\n",
    )
    strict_models: bool = setting(False, "Refuse a request that names an unknown model, instead of using the default.")
    model_memory_mb: int = setting(4096, "Megabytes of weights of loaded models; the least recently used is unloaded.")
    ladder: str | None = setting(
        None, "Models to change to under load, the default first, such as resift-base,resift-small,resift-tiny,none."
    )
    deterministic: bool = setting(False, "Score each pair by itself, so that its score depends on it alone; slower.")
    max_queue_seconds: float = setting(
        10.0, "How long an admitted request waits and computes at most, by the measured rate; others get status 429."
    )
    request_timeout_ms: int | None = setting(
        None,
        "Answer after so many milliseconds with what was scored; requests may ask for less. No limit if not given.",
    )
    max_documents: int = setting(10_000, "The maximum number of documents in a request.")
    max_body_mb: int = setting(32, "The maximum size of a request in megabytes.")
    max_text_characters: int = setting(2_000_000, "The maximum number of characters of a query or a document.")
    max_requests: int = setting(1024, "How many requests are received and answered at once.")
    receive_seconds: float = setting(20.0, "How long a caller may take to send a request.")
    drain_seconds: float = setting(30.0, "How long accepted requests may take after the service was asked to stop.")
    score_cache_mb: int = setting(64, "Megabytes for remembered scores of (query, text) pairs; 0 remembers none.")
    log_format: str = setting(
        "auto", "The form of the log on standard error; auto is text on a terminal.", choices=LOG_FORMATS
    )
    opentelemetry: bool = setting(
        False, "Send a span of each request by OpenTelemetry, where the variables OTEL_EXPORTER_OTLP_* say."
    )
    log_queries: bool = setting(False, "Write the queries of requests into the log; they are left out otherwise.")

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise SettingsError(f"{value} is below {least}; expected {least} or more", name)
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if not 0 < value <= 1e6:
                raise SettingsError(f"{value} is not a number of seconds; expected a number above 0", name)
        if self.port > 65535:
            raise SettingsError(f"{self.port} is above 65535; expected a port", "port")
        if self.request_timeout_ms is not None and self.request_timeout_ms < 1:
            raise SettingsError(f"{self.request_timeout_ms} is below 1; expected 1 or more", "request_timeout_ms")
        if self.log_format not in LOG_FORMATS:
            raise SettingsError(f"{self.log_format!r} is not known; expected {', '.join(LOG_FORMATS)}", "log_format")
        if self.tls_key and not self.tls_cert:
            raise SettingsError("a private key needs its certificate; give `tls_cert` too", "tls_key")
        if self.tls_client_ca and not self.tls_cert:
            raise SettingsError("callers' certificates need HTTPS; give `tls_cert` too", "tls_client_ca")
