"""What is requested besides, so that each hit has the text that the model reads, and removed from the hits again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from resift.retrieval.field_values import values

_SOURCE_ARGUMENTS = ("source_includes", "source_excludes", "_source_includes", "_source_excludes")
_NO_SOURCE_BY_DEFAULT = ("stored_fields", "script_fields")


@dataclass(frozen=True, slots=True)
class Reading:
    """From which parts of a hit the model's `names` are read.

    `changes`: what is set in the request for that. `added`: source fields that are removed from the hits again.
    `added_fields`: the same for the hits' "fields". `suppressed`: the request asks for no source. `kind`: "source"; or
    "fields" or "stored_fields", the parts of a hit from which names that the source lacks are read; or "given", the
    fields that the request itself asks for.
    """

    names: tuple[str, ...]
    changes: Mapping[str, Any]
    added: tuple[str, ...] = ()
    added_fields: tuple[str, ...] = ()
    suppressed: bool = False
    kind: str = "source"

    def text_fields(self, hit: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return the values of each name in a hit: its fields if they were requested, else its source."""
        fields, source = hit.get("fields") or {}, hit.get("_source") or {}
        found = {}
        for name in self.names:
            own = list(values(fields, name)) if name in self.added_fields else []
            found[name] = own or list(values(source, name)) or list(values(fields, name))
        return found

    def removed_from(self, hit: dict[str, Any]) -> None:
        """Remove from a hit what the request did not ask for."""
        if self.suppressed:
            hit.pop("_source", None)
        for name in self.added:
            _remove(hit.get("_source"), name.split("."))
        if self.added_fields and isinstance(hit.get("fields"), dict):
            for name in self.added_fields:
                _remove(hit["fields"], name.split("."))
            if not hit["fields"]:
                del hit["fields"]


def reading(request: Mapping[str, Any], names: Sequence[str]) -> Reading:
    """Return how `names` are read from the hits of a request: from the source if it can be requested with them."""
    wanted = tuple(dict.fromkeys(names))
    stored = request.get("stored_fields")
    if "_source" not in request and stored is not None and all(_covered(name, _list(stored)) for name in wanted):
        return Reading(wanted, {}, kind="given")
    instead = [request[name] for name in _NO_SOURCE_BY_DEFAULT if request.get(name) not in (None, {})]
    hidden = any("_source" not in _list(given) for given in instead)
    requested = request.get("_source", False if hidden else None)
    if any(request.get(name) for name in _SOURCE_ARGUMENTS):
        return by_fields(request, Reading(wanted, {}), "fields")
    if requested is None or requested is True or requested in ([], ()):
        return Reading(wanted, {})
    if requested is False:
        return Reading(wanted, {"_source": list(wanted) or True}, suppressed=True)
    found = _with_includes(requested, wanted)
    if found is None:
        return by_fields(request, Reading(wanted, {}), "fields")
    source, added = found
    return Reading(wanted, {"_source": source}, added)


def by_fields(request: Mapping[str, Any], known: Reading, kind: str) -> Reading:
    """Return how the names are read from `kind`, "source", "fields" or "stored_fields", besides what is known.

    Aliases and excluded source fields are found in "fields"; "stored_fields" has those of an index without a source.
    """
    if kind == "source":
        return Reading(known.names, {"_source": list(known.names) or True}, suppressed=True)
    given = request.get(kind)
    requested = _list([] if given is None else given)
    others = [*_list(request.get("docvalue_fields") or ()), *_list(request.get("stored_fields") or ())]
    added = tuple(name for name in known.names if not _covered(name, [*requested, *others]))
    changes: dict[str, Any] = {**known.changes, kind: [*_members(given), *added]}
    if kind == "stored_fields":  # an index without a source refuses to select from it
        changes.pop("_source", None)
        changes[kind] += ["_source"] if given is None else []
    return replace(known, changes=changes, added_fields=added, kind=kind)


def _with_includes(requested: Any, names: Sequence[str]) -> tuple[Any, tuple[str, ...]] | None:  # noqa: ANN401
    """Return the source to request and the fields added to it, None if they could not be removed again."""
    if not isinstance(requested, Mapping):
        added = _added(_list(requested), names)
        return None if added is None else ([*_list(requested), *added], added)
    excluded = _list(requested.get("excludes", requested.get("exclude", [])))
    if any(_covered(name, excluded) or _inside(name, excluded) for name in names):
        return None
    name = "includes" if "includes" in requested else "include"  # the latter is deprecated, of which the engines warn
    included = requested.get(name)
    if not included:
        return requested, ()
    added = _added(_list(included), names)
    return None if added is None else ({**requested, name: [*_list(included), *added]}, added)


def _added(requested: Sequence[str], names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the fields that must be requested besides, None if a part of one is requested."""
    added = tuple(name for name in names if not _covered(name, requested))
    return None if any(_inside(name, requested) for name in added) else added


def _members(given: Any) -> list[Any]:  # noqa: ANN401
    return [] if given is None else [given] if isinstance(given, str) else list(given)


def _list(names: Any) -> list[str]:  # noqa: ANN401
    """Return the names in a list of names or of objects with a "field"."""
    members = [names] if isinstance(names, str) else names
    return [str(one.get("field", "")) if isinstance(one, Mapping) else str(one) for one in members]


def _covered(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a pattern covers the whole field `name`."""
    return any(fnmatchcase(name, one) or name.startswith(f"{one}.") for one in patterns)


def _inside(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a pattern covers a part of the field `name`."""
    return any(one.startswith(f"{name}.") for one in patterns)


def _remove(source: Any, path: Sequence[str]) -> None:  # noqa: ANN401
    """Remove the field at `path` from a source, through objects and arrays, and what is empty afterwards."""
    if isinstance(source, list):
        for member in source:
            _remove(member, path)
        source[:] = [member for member in source if member not in ({}, [])]
    elif isinstance(source, dict):
        source.pop(".".join(path), None)
        if len(path) > 1 and path[0] in source:
            _remove(source[path[0]], path[1:])
            if source[path[0]] in ({}, []):
                del source[path[0]]
