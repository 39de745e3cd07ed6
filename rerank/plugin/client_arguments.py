"""How either client is called: where a search's parts stand among the arguments."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from resift.retrieval.errors import SettingsError

_NAMES = {"from": "from_", "_source": "source"}
"""How clients spell what is no Python name, or what stands for itself in the body."""
_NOT_FOR_THE_WINDOW = (401, 403, 404, 408, 429)  # what a smaller window would not mend


def named(method: Callable[..., Any], args: Sequence[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return all arguments of a call by name: clients before opensearch-py 3 take the body and index by position."""
    return {**inspect.signature(method).bind_partial(*args).arguments, **arguments}


def refused(status: object) -> bool:
    """Tell whether an engine's error of this HTTP status may come of what the wrapper changed in the request."""
    return isinstance(status, int) and 400 <= status < 500 and status not in _NOT_FOR_THE_WINDOW


def call(method: Callable[..., Any], arguments: Mapping[str, Any]) -> Callable[[], Any]:
    """Return the call of a client's method with a body of its own: clients write their arguments into the one given."""
    return lambda: method(
        **{**arguments, **({"body": copy.deepcopy(arguments["body"])} if "body" in arguments else {})}
    )


def kept(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of which searches that can be read only once are a list."""
    return {
        name: list(value) if name in ("searches", "body") and isinstance(value, Iterator) else value
        for name, value in arguments.items()
    }


def request_of(client: Any, arguments: Mapping[str, Any]) -> dict[str, Any] | None:  # noqa: ANN401
    """Return a search as one mapping with the body's names; None where its body is none.

    Arguments win over the body; what goes into the address is text there, lists with commas.
    """
    body = arguments.get("body") or {}
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return None
    if not isinstance(body, Mapping):
        return None
    params = arguments.get("params")
    address = dict(params) if isinstance(params, Mapping) else {}
    own = {name: value for name, value in arguments.items() if name not in ("body", "params", "headers", "index")}
    if "_source" in own and not _is_elasticsearch(client):
        address["_source"] = own.pop("_source")
    if "_source" in address:
        address["_source"] = _from_address(address["_source"])
    return laid_over(laid_over(body, address), own)


def _from_address(value: Any) -> Any:  # noqa: ANN401
    """Return what the value of _source in an address means."""
    if isinstance(value, str):
        return {"true": True, "false": False, "": None}.get(value, value.split(","))
    return value


def laid_over(body: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a search as one mapping with the body's names: the keyword arguments win over the body."""
    renamed = {name: next((one for one, other in _NAMES.items() if other == name), name) for name in arguments}
    return {**body, **{renamed[name]: value for name, value in arguments.items() if value is not None}}


def changed(client: Any, arguments: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Return a call's arguments with `changes`, each where the call has it: in its body, else as an argument."""
    made = dict(arguments)
    given_body = made.get("body") or {}
    body = dict(json.loads(given_body) if isinstance(given_body, str | bytes) else given_body)
    params = made.get("params")
    if isinstance(params, Mapping):  # a parameter of the address would win over the body
        made["params"] = {name: _in_address(changes.get(name, value)) for name, value in params.items()}
    for name, value in changes.items():
        other = _NAMES.get(name, name)
        given = next((one for one in (other, name) if one in made), None)
        if given is None and "body" not in made and _is_elasticsearch(client):
            given = other
        if given is not None:
            made[given] = value
        else:
            body[name] = value
            made["body"] = body
    return made


def _in_address(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else value


def _is_elasticsearch(client: Any) -> bool:  # noqa: ANN401
    return any(kind.__module__.partition(".")[0] == "elasticsearch" for kind in type(client).__mro__)


def body_of(response: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the JSON of either client's response."""
    body: dict[str, Any] = response if isinstance(response, dict) else response.body
    return body


def searches_of(arguments: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Return under which name an msearch has its searches, and they as a list: header, body, header, body.

    Raises SettingsError where they cannot be read, or headers and bodies do not pair.
    """
    name = "searches" if arguments.get("searches") is not None else "body"
    lines = arguments.get(name)
    if isinstance(lines, bytes):
        lines = lines.decode()
    if isinstance(lines, str):
        lines = lines.removesuffix("\n").split("\n")  # an empty line is an empty header
    try:
        found = [json.loads(line or "{}") if isinstance(line, str | bytes) else dict(line) for line in lines or []]
    except (ValueError, TypeError) as error:
        raise SettingsError(f"the searches cannot be read: {error}", name) from None
    if len(found) % 2:
        raise SettingsError("an msearch has a header and a body for each search; one is missing", name)
    return name, found
