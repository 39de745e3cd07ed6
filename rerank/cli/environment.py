"""Notice RESIFT_* variables that have no effect."""

from __future__ import annotations

import os
from collections.abc import Mapping

from resift.rerank.cli.settings_table import ENVIRONMENT_PREFIX, setting_types
from resift.retrieval.near_names import suggestion

OTHER_VARIABLES = frozenset(
    ["CONFIG", "DEBUG", "QUIET", "SHARED", "USERNAME", "PASSWORD", "API_KEY", "BEARER_TOKEN"]
    + ["MODEL_API_KEY", "SERVICE_KEYS"]
)
"""Names of variables that are not settings, without the prefix."""

_TESTS = f"{ENVIRONMENT_PREFIX}TEST_"


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return one note for each RESIFT_* variable of `environment` that resift does not read.

    >>> unknown_variables({"RESIFT_DPETH": "5"})
    ['note: RESIFT_DPETH has no effect; did you mean RESIFT_DEPTH?']
    """
    ours = [name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and not name.startswith(_TESTS)]
    if not ours:
        return []
    known = {*map(str.upper, setting_types()), *OTHER_VARIABLES}
    unknown = sorted({name.removeprefix(ENVIRONMENT_PREFIX) for name in ours} - known)
    return [f"note: {ENVIRONMENT_PREFIX}{name} has no effect{_near(name, known)}" for name in unknown]


def _near(name: str, known: set[str]) -> str:
    return suggestion(name, known).replace("mean ", f"mean {ENVIRONMENT_PREFIX}")
