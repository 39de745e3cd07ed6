"""Change the settings of an OpenSearch cluster for the services that may be called, and restore them for the last one.

Several attachments share the settings. What others changed in the meantime is kept: only our own part is taken back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.attach.cluster_settings import (
    ML_NODES,
    PRIVATE,
    RECORD,
    TRUSTED,
    Before,
    ClusterSettings,
    Record,
    is_trusted,
    pattern_of,
)
from resift.rerank.attach.service import Service, is_private
from resift.rerank.attach.steps import Step


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A change of the settings: the `step`, None if nothing changes, the `record` after it, and notes for the user."""

    step: Step | None
    record: Record
    notes: tuple[str, ...]


def allow(settings: ClusterSettings, record: Record, name: str, service: Service, ml_node: bool | None) -> Arrangement:
    """Return the change by which the cluster may call `service` for the attachment `name`.

    `ml_node`: whether a node has the role ml, None if that is not known. What is allowed already is left as it is.
    """
    entry, notes = pattern_of(service.rerank_url), []
    others = _without(settings.trusted(), record.names.values())
    needed = not is_trusted(service.rerank_url, others)
    names = {**record.names, name: entry if needed else ""} if needed or record.made else dict(record.names)
    wanted = {}
    private, why = is_private(service.host)
    if private and settings.effective(PRIVATE) == "false":
        wanted[PRIVATE] = "true"
        notes.append(f"{PRIVATE} is set to true: {why}")
    if ml_node is False and settings.effective(ML_NODES) == "true":
        wanted[ML_NODES] = "false"
        notes.append(f"{ML_NODES} is set to false: no node has the role ml")
    if wanted:
        names.setdefault(name, "")
    return _arrange(settings, record, names, wanted, notes)


def disallow(settings: ClusterSettings, record: Record, name: str) -> Arrangement:
    """Return the change that takes back what `allow` changed for the attachment `name`."""
    names = {known: entry for known, entry in record.names.items() if known != name}
    return _arrange(settings, record, names, {}, [])


def _arrange(
    settings: ClusterSettings,
    record: Record,
    names: Mapping[str, str],
    wanted: Mapping[str, str],
    notes: list[str],
) -> Arrangement:
    """Return the change after which the settings serve `names` (attachment -> its pattern, "" for none)."""
    body: dict[str, dict[str, Any]] = {}
    before, made = {}, {}
    entries = list(dict.fromkeys(entry for entry in names.values() if entry))
    for setting in (TRUSTED, PRIVATE, ML_NODES):
        was = _before(settings, record, setting, notes)
        if setting == TRUSTED:
            target = [*was.effect, *entries] if entries else was.value
        else:
            ours = record.made.get(setting)
            kept = ours if names and ours is not None and ours == settings.explicit(setting) else was.value
            target = wanted.get(setting, kept)
        if target != was.value or (setting == TRUSTED and entries):
            before[setting], made[setting] = was, target
        if target != settings.explicit(setting):
            body.setdefault(was.scope, {})[setting] = target
    after = Record(before, made, names if made else {})
    text = json.dumps(after.as_json()) if made else None
    if text != settings.explicit(RECORD):
        body.setdefault("persistent", {})[RECORD] = text
    if not body:
        return Arrangement(None, after, tuple(notes))
    about = "change the cluster's settings" if names else "restore the cluster's settings"
    return Arrangement(Step("PUT", "_cluster/settings", body, about), after, tuple(notes))


def _before(settings: ClusterSettings, record: Record, setting: str, notes: list[str]) -> Before:
    """Return a setting as it would be without resift: as recorded, or as others changed it since."""
    scope, value, effect = settings.scope(setting), settings.explicit(setting), settings.effective(setting)
    if setting == TRUSTED:
        effect = settings.trusted()
    if setting not in record.made:
        return Before(scope, value, effect)
    was = record.before[setting]
    if value == record.made[setting] and scope == was.scope:
        return was
    notes.append(f"{setting} was changed since resift set it; what others set is kept")
    if setting == TRUSTED:
        effect = _without(effect, record.names.values())
        return Before(scope, None if value is None else effect, effect)
    return Before(scope, value, effect)


def _without(patterns: list[str], entries: Any) -> list[str]:  # noqa: ANN401 - any iterable of text
    ours = set(entries)
    return [pattern for pattern in patterns if pattern not in ours]
