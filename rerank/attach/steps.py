"""The requests that change a cluster: shown in the form of the engines' consoles, without secrets, or sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from resift.rerank.attach.engine_requests import EngineRequests

HIDDEN = "***"
_SECRET = "api_key"  # the member of a body that has the key of the service


@dataclass(frozen=True, slots=True)
class Step:
    """A request that changes a cluster, or that a user may send; `about` says what it does, in a few words."""

    method: str
    path: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    about: str = ""

    def shown(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the body with `HIDDEN` in place of the key of the service; None without a body."""
        return _without_secrets(self.body)

    def console(self) -> str:
        """Return the request as the engines' consoles take it: method and path, and the body as JSON below them.

        >>> print(Step("DELETE", "_search/pipeline/resift").console())
        DELETE _search/pipeline/resift
        """
        body = "" if self.body is None else "\n" + json.dumps(self.shown(), indent=2, ensure_ascii=False)
        return f"{self.method} {self.path}{body}"

    def as_json(self) -> dict[str, Any]:
        """Return the request as a JSON object, without secrets."""
        return {"about": self.about, "method": self.method, "path": self.path, "body": self.shown()}


class Changes:
    """The changes that are made to a cluster, or in a dry run would be made, in their order."""

    def __init__(
        self, requests: EngineRequests, *, dry: bool = False, before_first: Callable[[], None] | None = None
    ) -> None:
        """Send each change by `requests`; in a `dry` run, only keep it. `before_first` is called before one is sent."""
        self.requests = requests
        self.dry = dry
        self.steps: list[Step] = []
        self._before_first = None if dry else before_first

    def send(self, step: Step) -> Mapping[str, Any]:
        """Make a change, and return the engine's response; {} in a dry run. Raises StatusError if it fails."""
        if self._before_first is not None:
            self._before_first()
            self._before_first = None
        found: Any = {} if self.dry else self.requests.send(step.method, step.path, step.body)
        self.steps.append(step)
        return found if isinstance(found, Mapping) else {}


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if name == _SECRET and isinstance(member, str) else _without_secrets(member)
            for name, member in value.items()
        }
    return [_without_secrets(member) for member in value] if isinstance(value, list | tuple) else value
