"""What is known of the index that is to be reranked: the field that the model reads, the search, and what is a trap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from resift.rerank.attach.doctor.mapping import without_source
from resift.rerank.attach.engine_requests import OPENSEARCH, EngineRequests
from resift.rerank.attach.opensearch_requests import DEFAULT_PIPELINE, WORDS
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.field_choice import BODY_NAMES
from resift.retrieval.engine.field_types import FieldTypes, field_types
from resift.retrieval.engine.fields import Fields, check_has_fields, find_fields
from resift.retrieval.engine.query import search_body
from resift.retrieval.engine.sample import choose_fields, sample_texts
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.language import detect, name_of


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What is known of an index.

    `name`: as the address names it. `field`: the one that an engine sends to the model. `read`: those that resift
    itself would read. `searched`: those that a search uses by default. `query`: a query in these fields, with `WORDS`
    as its text. `language`: of the texts, "" if unknown. `pipelines`: index -> its default search pipeline. `notes`:
    what to know before the field is used, one line each. `unknown`: what the user has no right to read.
    """

    name: str
    field: str
    read: tuple[str, ...]
    searched: tuple[str, ...]
    query: Mapping[str, Any]
    language: str
    pipelines: Mapping[str, str]
    notes: tuple[str, ...]
    unknown: tuple[str, ...]


def read_index(
    requests: EngineRequests, address: Address, settings: EngineSettings | None = None, languages: Sequence[str] = ()
) -> IndexFacts:
    """Return what is known of the index at `address`; the right to search it is enough for all but its settings.

    `languages`: the codes of those that the model reads. Raises EngineError if the index cannot be read, and
    SettingsError if a field that `settings` name does not exist.
    """
    settings = settings or EngineSettings()
    types = field_types(requests.engine, address)
    check_has_fields(types, address)
    choice = choose_fields(requests.engine, address, types, settings, languages)
    fields = find_fields(types, address, settings, (), choice)
    read = fields.text or (fields.title,)
    samples = sample_texts(requests.engine, address, list(read), types)
    field = _best(read, samples)
    code = detect(samples[field])
    pipelines, unknown = _pipelines(requests, address)
    whole, more = _source(requests, address, field)
    return IndexFacts(
        address.index,
        field,
        tuple(dict.fromkeys(name for name in (fields.title, *read) if name)),
        fields.searched,
        search_body(fields, WORDS)["query"],
        name_of(code).lower() if code else "",
        pipelines,
        (*_notes(fields, field, read, types), *whole),
        (*unknown, *more),
    )


def hooked_index(
    requests: EngineRequests, address: Address, settings: EngineSettings, languages: Sequence[str] = ()
) -> IndexFacts:
    """Return what is known of the index that is attached, or if the `address` has none, of the field that is named.

    Raises SettingsError if several fields are named, or neither an index nor a field, and errors as `read_index` does.
    """
    field = _named_field(address, settings)
    if address.index:
        return read_index(requests, address, settings, languages)
    query = {"match": {field: {"query": WORDS}}}
    return IndexFacts("", field, (field,), (field,), query, "", {}, (), ())


def _named_field(address: Address, settings: EngineSettings) -> str:
    """Return the field that is named, "" if an index is named instead.

    Raises SettingsError if several fields are named, or neither an index nor a field.
    """
    field = (settings.source_text or "").strip()
    if "," in field:
        message = f"the engine sends one field to the model, and {field} are several; name one"
        raise SettingsError(message, "source_text")
    if not field and not address.index:
        message = (
            "neither an index nor the field that the model reads is named; name an index in the address, or the field "
            "with `source_text`"
        )
        raise SettingsError(message, "source_text")
    return field


def _best(names: Sequence[str], samples: Mapping[str, Sequence[str]]) -> str:
    """Return the field that is most likely the text of a document: by its name, else the one with the longest texts."""
    if not names:
        raise SettingsError("the index has no text field that a model could read; name one", "source_text")
    named = [name for name in names if name.rpartition(".")[2] in BODY_NAMES]
    among = named or list(names)
    return max(among, key=lambda name: median([len(text) for text in samples.get(name, ())] or [0]))


def _notes(fields: Fields, field: str, read: Sequence[str], types: FieldTypes) -> list[str]:
    others = [name for name in dict.fromkeys((fields.title, *read)) if name and name != field]
    notes = []
    if others:
        notes.append(
            f"the engine sends one field to the model, {field}, and not {', '.join(others)}: it would join several "
            "without a separator. Store them in one field when you index, or name another with `source_text`; the "
            "proxy and the wrapper read several"
        )
    kinds = types.get(field, set())
    if "nested" in kinds or field in fields.nested:
        notes.append(f"{field} is inside a nested object; try whether the engine sends its text before you rely on it")
    return notes


def _pipelines(requests: EngineRequests, address: Address) -> tuple[dict[str, str], list[str]]:
    """Return the default search pipelines of the indices, and what could not be read."""
    if requests.flavour != OPENSEARCH:
        return {}, []
    found = requests.read(f"{address.path}/_settings/{DEFAULT_PIPELINE}", {"flat_settings": "true"})
    if not isinstance(found.body, Mapping):
        return {}, [f"whether the index has a default search pipeline ({found.status}): see {DEFAULT_PIPELINE}"]
    values = {
        name: str((index.get("settings") or {}).get(DEFAULT_PIPELINE, "_none")) for name, index in found.body.items()
    }
    return {name: value for name, value in values.items() if value != "_none"}, []


def _source(requests: EngineRequests, address: Address, field: str) -> tuple[list[str], list[str]]:
    """Return a note if the source of the documents lacks the field, and what could not be read."""
    found = requests.read(f"{address.path}/_mapping")
    if not isinstance(found.body, Mapping):
        return [], [f"the mapping ({found.status}), so that it is not known whether _source has the field {field}"]
    lacking = without_source(found.body, [field])
    return [f"{lacking}: the engine would send empty texts to the model"] if lacking else [], []


def pipeline_notes(pipelines: Mapping[str, str], name: str = "") -> list[str]:
    """Return a warning for each index with a default search pipeline; `name` is the pipeline that reranks."""
    notes = []
    for index, pipeline in pipelines.items():
        if pipeline == name:
            notes.append(
                f"{index} has {pipeline} as its {DEFAULT_PIPELINE}: every search without ext.rerank is then not "
                "reranked, or fails. Set it to null, and name the pipeline in the searches that want it"
            )
        else:
            notes.append(
                f"{index} has the default search pipeline {pipeline}: a search that names another pipeline does not "
                "run it. Never make a pipeline that reranks the default: searches without ext.rerank fail"
            )
    return notes
