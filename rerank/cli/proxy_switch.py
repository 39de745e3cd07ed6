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
_NOT_A_PROXY = "what answers at {} is not a proxy; `admin` is where the running one listens"


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
        known: dict[str, Any] = _ask(admin, None).get("indices", {})
        indices = {**dict.fromkeys(known), **indices}
    if off:
        change["all"] = "off"
    if indices:
        change["indices"] = indices
    state = _ask(admin, change or None)
    if not {"all", "indices"} <= {*state}:
        raise SettingsError(_NOT_A_PROXY.format(admin), "admin")
    click.echo(f"all: {state['all'] or 'as configured'}")
    for name, mode in state["indices"].items():
        click.echo(f"{name}: {mode}")
    for note in state.get("notes", []):
        click.echo(f"note: {note}", err=True)


def _read(text: str) -> tuple[str, str | None]:
    name, _, mode = text.rpartition("=")
    if not name:
        raise click.UsageError(f"--switch {text!r} is not NAME=MODE; expected for example articles=shadow")
    return name, mode


def _ask(admin: str, change: dict[str, Any] | None) -> dict[str, Any]:
    body = None if change is None else json.dumps(change).encode()
    headers = {"Content-Type": "application/json", _HEADER: "1"}
    url = f"http://{admin}/switch"
    request = urllib.request.Request(url, body, headers, method="GET" if body is None else "PUT")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as response:
            found = json.load(response)
            return found if isinstance(found, dict) else {}
    except urllib.error.HTTPError as error:
        with error:
            reason = _reason(error.read(100_000))
        if reason is None:
            raise SettingsError(_NOT_A_PROXY.format(admin), "admin") from None
        raise SettingsError(f"the proxy refused: {reason}", "switch") from None
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"no proxy answers at {url}: {getattr(error, 'reason', error)}; `admin` is where it listens",
            "admin",
        ) from None


def _reason(body: bytes) -> str | None:
    """Return why a proxy refused, None if no proxy answered."""
    try:
        found = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
