"""Where the hits of an index have their text if their source lacks it: in their fields, or in stored fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resift.rerank.plugin.request import Plan

_MOST = 10_000  # names that are remembered; then the oldest are asked again


class TextPlaces:
    """Remembers for searches of which index the text must be requested besides the source.

    A field alias is only found in "fields", and an index without a source has its text in stored fields, if anywhere.
    Threads may share it: the worst case is that a search is sent twice once more.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        """Look for the text of `fields`."""
        self._fields = tuple(fields)
        self._kinds: dict[str, str] = {}  # searched index -> where its text is
        self._checked: dict[str, None] = {}  # indices whose textless hits have none elsewhere either

    def known(self, plan: Plan, request: Mapping[str, Any]) -> Plan:
        """Return the plan that requests the text where it was found before."""
        kind = self._kinds.get(str(request.get("index")))
        return plan.with_fields(request, kind) if kind and plan.reading.kind == "source" else plan

    def elsewhere(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> Plan | None:
        """Return the plan that reads the text elsewhere, None if the hits of `body` have it, or it was not found."""
        if plan.reading.kind not in ("source", "given"):
            return None
        missing = [hit for hit in body["hits"]["hits"] if not self._has_text(plan, hit)]
        unknown = [hit for hit in missing if hit.get("_index") not in self._checked]
        if not unknown:
            return None
        if plan.reading.kind == "given":
            return plan.with_fields(request, "source")
        without_source = all("_source" not in hit for hit in unknown)
        return plan.with_fields(request, "stored_fields" if without_source else "fields")

    def remember(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """Remember whether the hits of `body`, sent for `plan`, have their text."""
        hits = body["hits"]["hits"]
        helped = {hit.get("_index") for hit in hits if self._has_text(plan, hit) and not _in_source(plan, hit)}
        if helped and plan.reading.kind != "source":
            _add(self._kinds, str(request.get("index")), plan.reading.kind)
        for hit in hits:
            if hit.get("_index") not in helped and not self._has_text(plan, hit):
                _add(self._checked, hit.get("_index"), None)

    def _has_text(self, plan: Plan, hit: Mapping[str, Any]) -> bool:
        found = plan.reading.text_fields(hit)
        return any("".join(found.get(name, ())).strip() for name in self._fields)


def _in_source(plan: Plan, hit: Mapping[str, Any]) -> bool:
    found = plan.reading.text_fields({**hit, "fields": {}})
    return any("".join(values).strip() for values in found.values())


def _add(known: dict[Any, Any], name: Any, value: Any) -> None:  # noqa: ANN401
    """Remember one more name; of too many, the oldest is forgotten."""
    if len(known) >= _MOST:
        known.pop(next(iter(known)), None)
    known[name] = value
