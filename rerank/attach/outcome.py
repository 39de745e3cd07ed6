"""What an attachment or a detachment did: its requests, what exists now, and how to search."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.attach.steps import Step


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be attached: the `name` of all objects, the `field` that the model reads, the milliseconds it has.

    `deadline_ms`: None for the default of the engine. `inference_service`: of Elasticsearch, None for the first that
    works. `index`: for the search that is shown, "" if none is named. `query`: how that search finds documents.
    """

    name: str
    field: str
    index: str = ""
    query: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    deadline_ms: int | None = None
    inference_service: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, or in a dry run would be done.

    `steps`: the requests that changed the cluster, in their order. `objects`: what exists now, by kind, with its id.
    `search`: the request that an application sends, None after a detachment. `notes`: one line each. `recorded`: what
    the local record needs besides.
    """

    steps: tuple[Step, ...]
    objects: Mapping[str, str] = dataclasses.field(default_factory=dict)
    search: Step | None = None
    notes: tuple[str, ...] = ()
    recorded: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON object, without secrets."""
        return {
            "requests": [step.as_json() for step in self.steps],
            "objects": dict(self.objects),
            "search": None if self.search is None else self.search.as_json(),
            "notes": list(self.notes),
        }
