"""A call of either engine's client, parsed once: what is searched for, and how to send it again, changed."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resift.retrieval.errors import SettingsError

_NAMES = {"from": "from_", "_source": "source"}
"""Names in a search body -> the keyword arguments of the clients."""

Arguments = Mapping[str, Any]
Send = Callable[[], Any]
"""Sends one request through the client; returns its response, or an awaitable of it."""


@dataclass(frozen=True, slots=True)
class SearchCall:
    """One call of `client.search`.

    `arguments`: by name. `request`: the whole search as one mapping with the body's names; None if the body is not a
    JSON object.
    """

    client: Any
    arguments: Arguments
    request: Arguments | None

    @classmethod
    def parse(cls, client: Any, args: Sequence[Any], arguments: Arguments) -> SearchCall:  # noqa: ANN401
        """Parse a call with positional and keyword arguments. Raises TypeError if the client does not take them."""
        named = _by_name(client.search, args, arguments)
        return cls(client, named, merge_request(client, named))

    def unchanged(self) -> Send:
        """Return the call as the application made it."""
        return _send(self.client.search, self.arguments)

    def changed(self, changes: Arguments) -> Send:
        """Return the call with `changes`, by the body's names."""
        return _send(self.client.search, apply_changes(self.client, self.arguments, changes))


@dataclass(frozen=True, slots=True)
class MultiSearchCall:
    """One call of `client.msearch`: its searches are `headers` and `bodies`, one of each per search.

    `name`: the argument that holds them. `filter_path`: the client's own filter of the response, None if not given.
    """

    client: Any
    arguments: Arguments
    name: str
    headers: Sequence[Arguments]
    bodies: Sequence[Arguments]
    filter_path: Any

    @classmethod
    def parse(cls, client: Any, arguments: Arguments) -> MultiSearchCall:  # noqa: ANN401
        """Parse a call's arguments, by name. Raises SettingsError if the searches cannot be read or paired."""
        name, lines = _read_searches(arguments)
        params = arguments.get("params")
        in_address = params.get("filter_path") if isinstance(params, Mapping) else None
        filter_path = arguments.get("filter_path") or in_address
        return cls(client, arguments, name, lines[::2], lines[1::2], filter_path)

    def searches(self, places: Sequence[int], changes: Sequence[Arguments]) -> Send:
        """Return the call of the searches at `places`, each with its `changes`."""
        pairs = [(self.headers[p], {**self.bodies[p], **more}) for p, more in zip(places, changes, strict=True)]
        return _send(self.client.msearch, {**self.arguments, self.name: [line for pair in pairs for line in pair]})


def multi_search_arguments(client: Any, args: Sequence[Any], arguments: Arguments) -> Arguments:  # noqa: ANN401
    """Return a call's arguments by name; searches that can be read only once become a list."""
    return {
        name: list(value) if name in ("searches", "body") and isinstance(value, Iterator) else value
        for name, value in _by_name(client.msearch, args, arguments).items()
    }


def send_multi_search(client: Any, arguments: Arguments) -> Send:  # noqa: ANN401
    """Return the call of `client.msearch` with `arguments`."""
    return _send(client.msearch, arguments)


def _by_name(method: Callable[..., Any], args: Sequence[Any], arguments: Arguments) -> dict[str, Any]:
    """Return all arguments of a call by name: clients before opensearch-py 3 take body and index by position."""
    return {**inspect.signature(method).bind_partial(*args).arguments, **arguments}


def _send(method: Callable[..., Any], arguments: Arguments) -> Send:
    """Return the call of a method, with a copy of the body: clients write their arguments into the one given."""
    return lambda: method(
        **{**arguments, **({"body": copy.deepcopy(arguments["body"])} if "body" in arguments else {})}
    )


def merge_request(client: Any, arguments: Arguments) -> dict[str, Any] | None:  # noqa: ANN401
    """Merge body and arguments into one mapping with the body's names; None if the body is not a JSON object.

    Arguments win over the body. Values that go into the URL are text there, lists with commas.
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
    in_url = dict(params) if isinstance(params, Mapping) else {}
    own = {name: value for name, value in arguments.items() if name not in ("body", "params", "headers", "index")}
    if "_source" in own and not _is_elasticsearch(client):
        in_url["_source"] = own.pop("_source")
    if "_source" in in_url:
        in_url["_source"] = _from_url(in_url["_source"])
    return overlay(overlay(body, in_url), own)


def overlay(body: Arguments, arguments: Arguments) -> dict[str, Any]:
    """Return `body` with the values of `arguments` in place of its own; None counts as not given."""
    renamed = {name: next((one for one, other in _NAMES.items() if other == name), name) for name in arguments}
    return {**body, **{renamed[name]: value for name, value in arguments.items() if value is not None}}


def apply_changes(client: Any, arguments: Arguments, changes: Arguments) -> dict[str, Any]:  # noqa: ANN401
    """Return a call's arguments with `changes`, each in the place where the call has that value, else in the body."""
    made = dict(arguments)
    given_body = made.get("body") or {}
    body = dict(json.loads(given_body) if isinstance(given_body, str | bytes) else given_body)
    params = made.get("params")
    if isinstance(params, Mapping):  # a parameter in the URL would win over the body
        made["params"] = {name: _to_url(changes.get(name, value)) for name, value in params.items()}
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


def _from_url(value: Any) -> Any:  # noqa: ANN401
    """Return what a value of _source in a URL means."""
    if isinstance(value, str):
        return {"true": True, "false": False, "": None}.get(value, value.split(","))
    return value


def _to_url(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else value


def _is_elasticsearch(client: Any) -> bool:  # noqa: ANN401
    return any(kind.__module__.partition(".")[0] == "elasticsearch" for kind in type(client).__mro__)


def _read_searches(arguments: Arguments) -> tuple[str, list[dict[str, Any]]]:
    """Return the argument that holds the searches of an msearch, and their lines: header, body, header, body.

    Raises SettingsError if they cannot be read, or headers and bodies do not pair.
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
