"""A call of either engine's client, parsed once: what is searched for, and how to send it again, changed."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

_NAMES = {"from": "from_", "_source": "source"}
"""Names in a search body -> the keyword arguments of the clients."""

Arguments = Mapping[str, Any]
Send = Callable[[], Any]
"""Sends one request through the client; returns its response, or an awaitable of it."""


@dataclass(frozen=True, slots=True)
class SearchCall:
    """One call of `client.search`.

    `arguments`: by name, as the application gave them. `body`: their body as a mapping, empty if there is none.
    `problem`: why the body cannot be read, else "".
    """

    client: Any
    arguments: Arguments
    body: Arguments
    problem: str = ""

    @classmethod
    def parse(cls, client: Any, args: Sequence[Any], arguments: Arguments) -> SearchCall:  # noqa: ANN401
        """Parse a call with positional and keyword arguments. Raises TypeError if the client does not take them."""
        named = _by_name(client.search, args, arguments)
        if _is_elasticsearch(client):
            named = _as_elasticsearch_takes_them(named)
        try:
            return cls(client, named, _parse_object(named.get("body") or {}))
        except ValueError:
            return cls(client, named, {}, "the body is not a JSON object")

    @property
    def request(self) -> dict[str, Any]:
        """The whole search, body and arguments, as one mapping with the body's names.

        Arguments win over the body. Values that go into the URL are text there, lists with commas. "index" is the
        searched index.
        """
        params = self.arguments.get("params")
        in_url = dict(params) if isinstance(params, Mapping) else {}
        elsewhere = ("body", "params", "headers")
        own = {name: value for name, value in self.arguments.items() if name not in elsewhere}
        if "_source" in own and not _is_elasticsearch(self.client):
            in_url["_source"] = own.pop("_source")
        if "_source" in in_url:
            in_url["_source"] = _from_url(in_url["_source"])
        return overlay(overlay(self.body, in_url), own)

    def unchanged(self) -> Send:
        """Return the call as the application made it."""
        return _send(self.client.search, self.arguments)

    def changed(self, changes: Arguments) -> Send:
        """Return the call with `changes`, by the body's names."""
        return _send(self.client.search, self.changed_arguments(changes))

    def changed_arguments(self, changes: Arguments) -> dict[str, Any]:
        """Return the arguments with `changes`, each in the place where the call has that value, else in the body.

        A change to None removes the value.
        """
        made, body = dict(self.arguments), dict(self.body)
        params = made.get("params")
        if isinstance(params, Mapping):  # a parameter in the URL would win over the body
            made["params"] = {name: _to_url(changes.get(name, value)) for name, value in params.items()}
        for name, value in changes.items():
            other = _NAMES.get(name, name)
            given = next((one for one in (other, name) if one in made), None)
            if value is None:
                made.pop(given or name, None)
                body.pop(name, None)
                made |= {"body": body} if "body" in made else {}
                continue
            if given is None and "body" not in made and _is_elasticsearch(self.client):
                given = other
            if given is not None:
                made[given] = value
            else:
                body[name] = value
                made["body"] = body
        return made


@dataclass(frozen=True, slots=True)
class MultiSearchCall:
    """One call of `client.msearch`.

    `arguments`: by name, as the application gave them; searches that can be read only once have become a list.
    `name`: the argument that holds the searches. `searches`: the header and the body of each. `problem`: why they
    cannot be read, else "".
    """

    client: Any
    arguments: Arguments
    name: str
    searches: Sequence[tuple[Arguments, Arguments]]
    problem: str = ""

    @classmethod
    def parse(cls, client: Any, args: Sequence[Any], arguments: Arguments) -> MultiSearchCall:  # noqa: ANN401
        """Parse a call with positional and keyword arguments. Raises TypeError if the client does not take them."""
        named = _by_name(client.msearch, args, arguments)
        name = "searches" if named.get("searches") is not None else "body"
        if isinstance(named.get(name), Iterator):
            named[name] = list(named[name])
        try:
            return cls(client, named, name, _parse_searches(named.get(name)))
        except ValueError as error:
            return cls(client, named, name, (), f"{name}: {error}")

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Each search as one mapping of its body, its header, its index, and the call's own filter of the response."""
        params = self.arguments.get("params")
        in_url = params.get("filter_path") if isinstance(params, Mapping) else None
        filter_path = self.arguments.get("filter_path") or in_url
        index = self.arguments.get("index")
        return [
            {
                **header,
                **body,
                "filter_path": filter_path,
                "index": header.get("index") or header.get("indices") or index,
            }
            for header, body in self.searches
        ]

    def only(self, places: Sequence[int]) -> MultiSearchCall:
        """Return the call of the searches at `places` alone."""
        return self._of([self.searches[place] for place in places])

    def unchanged(self) -> Send:
        """Return the call as the application made it."""
        return _send(self.client.msearch, self.arguments)

    def changed(self, changes: Sequence[Arguments]) -> Send:
        """Return the call with `changes`, one per search, by the body's names; a change to None removes the value."""
        pairs = zip(self.searches, changes, strict=True)
        return self._of([(header, _with(body, more)) for (header, body), more in pairs]).unchanged()

    def _of(self, searches: Sequence[tuple[Arguments, Arguments]]) -> MultiSearchCall:
        lines = [line for pair in searches for line in pair]
        return replace(self, arguments={**self.arguments, self.name: lines}, searches=searches)


def _with(body: Arguments, changes: Arguments) -> dict[str, Any]:
    changed = {**body, **changes}
    return {name: value for name, value in changed.items() if value is not None or name not in changes}


def _by_name(method: Callable[..., Any], args: Sequence[Any], arguments: Arguments) -> dict[str, Any]:
    """Return all arguments of a call by name: clients before opensearch-py 3 take body and index by position."""
    return {**inspect.signature(method).bind_partial(*args).arguments, **arguments}


def _as_elasticsearch_takes_them(arguments: Arguments) -> dict[str, Any]:
    """Return the arguments of a search as its client reads them: it merges `params`, and ignores names of a body.

    Beside a body it does not send arguments that have the body's own names, "from" and "_source".
    """
    params = arguments.get("params")
    named = dict(arguments)
    if isinstance(params, Mapping) and not params.keys() & arguments.keys():  # it refuses repeated ones itself
        named = {name: value for name, value in {**named, **params}.items() if name != "params"}
    if named.get("body"):
        named = {name: value for name, value in named.items() if name not in _NAMES}
    return named


def _send(method: Callable[..., Any], arguments: Arguments) -> Send:
    """Return the call of a method, with a copy of the body: clients write their arguments into the one given."""
    return lambda: method(
        **{**arguments, **({"body": copy.deepcopy(arguments["body"])} if "body" in arguments else {})}
    )


def overlay(body: Arguments, arguments: Arguments) -> dict[str, Any]:
    """Return `body` with the values of `arguments` in place of its own; None counts as not given."""
    renamed = {name: next((one for one, other in _NAMES.items() if other == name), name) for name in arguments}
    return {**body, **{renamed[name]: value for name, value in arguments.items() if value is not None}}


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


def _parse_object(given: Any) -> Arguments:  # noqa: ANN401
    """Return a JSON object, given as text or as a mapping. Raises ValueError if it is not one."""
    value = _DECODER.decode(_text(given)) if isinstance(given, str | bytes) else given
    if not isinstance(value, Mapping):
        raise ValueError(f"a {type(value).__name__}; expected a JSON object")
    return value


def _text(given: str | bytes) -> str:
    return given if isinstance(given, str) else given.decode(json.detect_encoding(given))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a JSON object. Raises ValueError if one is given twice, which the engines refuse."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member is given twice")
    return found


def _constant(name: str) -> Any:  # noqa: ANN401
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_members)
"""Decimal numbers keep their digits; what JSON does not have, or has no clear meaning, is left to the engine."""


def _parse_searches(lines: Any) -> list[tuple[Arguments, Arguments]]:  # noqa: ANN401
    """Return the header and the body of each search of an msearch, given as text or as objects.

    Raises ValueError if they cannot be read, or headers and bodies do not pair.
    """
    try:
        if isinstance(lines, bytes):
            lines = lines.decode()
        if isinstance(lines, str):
            lines = lines.removesuffix("\n").split("\n")  # an empty line is an empty header
            lines = lines[:-1] if len(lines) % 2 and not lines[-1] else lines  # except after the last search
        found = [_parse_object({} if line in ("", b"") else line) for line in lines or []]
    except (ValueError, TypeError) as error:
        raise ValueError(f"the searches cannot be read: {error}") from None
    if len(found) % 2:
        raise ValueError("an msearch has a header and a body for each search; one is missing")
    return list(zip(found[::2], found[1::2], strict=True))
