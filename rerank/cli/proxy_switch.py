"""Switch a running proxy, or show its state, through its address for administration."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

import click

from resift.retrieval.errors import SettingsError

_SECONDS = 10.0
_HEADER = "X-Resift-Admin"


def switch_proxy(admin: str, off: bool, undo: bool, switches: Sequence[str]) -> None:
    """Send what is wanted to the proxy whose administration listens on `admin`, and print its state.

    Raises SettingsError if it does not answer, or refuses.
    """
    if off and undo:
        raise click.UsageError("--off and --on exclude each other; give one of them")
    change: dict[str, Any] = {}
    indices = dict(_read(one) for one in switches)
    if undo:
        change["all"] = None
        known: dict[str, Any] = _ask(admin, None)["indices"]
        indices = {**dict.fromkeys(known), **indices}
    if off:
        change["all"] = "off"
    if indices:
        change["indices"] = indices
    state = _ask(admin, change or None)
    click.echo(f"all: {state['all'] or 'as configured'}")
    for name, mode in state["indices"].items():
        click.echo(f"{name}: {mode}")


def _read(text: str) -> tuple[str, str | None]:
    name, _, mode = text.rpartition("=")
    if not name:
        raise click.UsageError(f"--switch {text!r} is not NAME=MODE; expected for example articles=shadow")
    return name, mode


def _ask(admin: str, change: dict[str, Any] | None) -> Any:  # noqa: ANN401 - JSON
    body = None if change is None else json.dumps(change).encode()
    headers = {"Content-Type": "application/json", _HEADER: "1"}
    url = f"http://{admin}/switch"
    request = urllib.request.Request(url, body, headers, method="GET" if body is None else "PUT")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            reason = json.load(error).get("error", error.reason)
        raise SettingsError(f"the proxy refused: {reason}", "switch") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise SettingsError(
            f"no proxy answers at {url}: {reason}; `admin` is where the running one listens for administration", "admin"
        ) from None
