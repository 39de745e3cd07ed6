"""The settings of `resift attach` and `resift detach`; imports nothing heavy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

INFERENCE_SERVICES = ("hugging_face", "openshift_ai", "custom")
"""The services of Elasticsearch's inference API that call an address of your own, in the order in which we try them."""
USUAL_NAME = "resift"
"""The name of everything that `resift attach` creates, unless another one is given."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_LONGEST_DEADLINE = 600_000  # milliseconds


@dataclass(frozen=True, slots=True)
class AttachSettings:
    """How a rerank service is attached to an engine. Raises SettingsError."""

    attach_name: str = setting(
        USUAL_NAME, "The name of everything that is created: letters a-z, digits, - and _.", flag="name"
    )
    service_key_file: str | None = setting(
        None, "A file with the key of the service, instead of the variable RESIFT_MODEL_API_KEY."
    )
    deadline_ms: int | None = setting(
        None,
        "The milliseconds after which the service answers with what it has scored; 2000 for OpenSearch, no limit for "
        "Elasticsearch if not given.",
    )
    inference_service: str | None = setting(
        None,
        "The service of Elasticsearch's inference API; the first one that the cluster has if not given.",
        choices=INFERENCE_SERVICES,
    )
    record: str = setting(
        "resift-attach.json", "The file that records what was created, with the ids and the previous settings."
    )

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        if not _NAME.fullmatch(self.attach_name):
            raise SettingsError(
                f"{self.attach_name!r} is not a name; expected up to 63 letters a-z, digits, - and _", "name"
            )
        if self.deadline_ms is not None and not 1 <= self.deadline_ms <= _LONGEST_DEADLINE:
            raise SettingsError(f"{self.deadline_ms} is not between 1 and {_LONGEST_DEADLINE}", "deadline_ms")
        if self.inference_service not in (None, *INFERENCE_SERVICES):
            raise SettingsError(
                f"{self.inference_service!r} is not known; expected one of {', '.join(INFERENCE_SERVICES)}",
                "inference_service",
            )
