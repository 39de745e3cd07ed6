"""Describe an index of an engine; each fact needs its own right, and is left out if the user lacks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from resift.retrieval.engine.address import Address, read_address
from resift.retrieval.engine.client import Engine, connect
from resift.retrieval.engine.client_errors import REFUSED_STATUSES
from resift.retrieval.engine.field_types import UNMAPPED, FieldTypes, field_types
from resift.retrieval.engine.fields import PARENT, Fields, check_has_fields, find_fields
from resift.retrieval.engine.index_meta import resift_meta
from resift.retrieval.engine.own_body import read_template
from resift.retrieval.engine.sample import choose_fields, sample_texts
from resift.retrieval.engine.settings import OpenOptions
from resift.retrieval.errors import EngineError, StatusError
from resift.retrieval.info import IndexInfo
from resift.retrieval.language import code_of, detect, name_of

_EXACT = 40_000  # distinct values that an engine counts almost exactly, the highest value that it allows


def engine_info(url: str, options: OpenOptions | None = None) -> IndexInfo:
    """Describe the index, alias, data stream or pattern at `url`.

    It is only read. The right to read is enough for the documents and the types of fields; analyzers, when and from
    what the index was made need the right to view its metadata, and its size that to monitor it. Raises EngineError if
    the index cannot be read, and SettingsError if `url` is not the address of an index.
    """
    options = options or OpenOptions()
    address = read_address(url)
    engine = connect(address, options.connection, options.ask)
    try:
        return _describe(engine, address, options)
    finally:
        engine.close()


def _describe(engine: Engine, address: Address, options: OpenOptions) -> IndexInfo:
    types = field_types(engine, address)
    check_has_fields(types, address)
    found: Mapping[str, Any] = _or_none(engine, address.path) or {}
    facts = [resift_meta(one) for one in found.values()]
    fields, words = _used(engine, address, types, options)
    documents, passages = _documents(engine, address, types)
    dates = [int(str(date)) for one in found.values() if (date := _setting(one, "creation_date"))]
    created = [str(one["created"]) for one in facts if one.get("created")] or [_iso(date) for date in dates]
    sources = dict.fromkeys(str(one["source"]) for one in facts if one.get("source"))
    details = {
        "engine": f"{engine.flavour} {engine.version}".strip(),
        "indices": ", ".join(found) if list(found) != [address.index] else "",
        "aliases": ", ".join(dict.fromkeys(name for one in found.values() for name in one.get("aliases") or {})),
        "made by": ", ".join(dict.fromkeys(f"resift {one['version']}" for one in facts if one.get("version"))),
        "passages": f"{passages:,}" if passages is not None else "",
        **words,
        "texts": _fetched(found, fields),
    }
    return IndexInfo(
        str(address),
        documents,
        dict(sorted(_fields(found, types).items())),
        _language(engine, address, types, fields, facts),
        _size(engine, address),
        min(created, default=""),
        ", ".join(sources),
        {name: value for name, value in details.items() if value},
    )


def _fetched(found: Mapping[str, Any], fields: Fields | None) -> str:
    """Return in words that a search cannot fetch the texts of some indices, which store no source; "" if it can."""
    lacking, texts = [], fields.text if fields else ()
    for name, index in found.items():
        mappings = index.get("mappings") or {}
        mapped = dict(_mapped(mappings.get("properties") or {}, ""))
        stored = any(str((mapped.get(one) or {}).get("store")).lower() == "true" for one in texts)
        if str((mappings.get("_source") or {}).get("enabled")).lower() == "false" and not stored:
            lacking.append(name)
    return f"searched, but not stored in {', '.join(lacking)}: they cannot be fetched or reranked" if lacking else ""


def _or_none(engine: Engine, path: str, params: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - any JSON
    """Return the engine's response to a GET request; None if the user has no right to it."""
    try:
        return engine.request("GET", path, params=params)
    except StatusError as error:
        if error.status in REFUSED_STATUSES:
            return None
        raise


def _setting(index: Mapping[str, Any], name: str) -> object:
    return ((index.get("settings") or {}).get("index") or {}).get(name)


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _documents(engine: Engine, address: Address, types: FieldTypes) -> tuple[int, int | None]:
    """Return the number of documents, and that of passages, None if the documents are whole."""
    body: dict[str, Any] = {"size": 0, "track_total_hits": True}
    if PARENT in types:
        body["aggs"] = {"documents": {"cardinality": {"field": PARENT, "precision_threshold": _EXACT}}}
    answer: Any = engine.request("POST", f"{address.path}/_search", body)
    total = int(answer["hits"]["total"]["value"])
    if PARENT not in types:
        return total, None
    return int(answer["aggregations"]["documents"]["value"]), total


def _size(engine: Engine, address: Address) -> int | None:
    """Return the size of all copies in bytes; None if the user may not read it."""
    answer = _or_none(engine, f"{address.path}/_stats/store", {"filter_path": "_all.total.store.size_in_bytes"})
    return int(answer["_all"]["total"]["store"]["size_in_bytes"]) if answer else None


def _fields(found: Mapping[str, Any], types: FieldTypes) -> dict[str, str]:
    """Return each field with its type, and its analyzer where it has one of its own."""
    kinds = {name: "/".join(sorted(one - {UNMAPPED})) for name, one in types.items() if not one <= {"object"}}
    for index in found.values():
        default = _default_analyzer(index)
        for name, mapping in _mapped((index.get("mappings") or {}).get("properties") or {}, ""):
            analyzer = mapping.get("analyzer") or default
            if name in kinds and analyzer and "text" in str(mapping.get("type")):
                kinds[name] = f"{kinds[name].partition(' ')[0]} ({analyzer})"
    return kinds


def _default_analyzer(index: Mapping[str, Any]) -> str:
    analysis: Any = _setting(index, "analysis") or {}
    default = (analysis.get("analyzer") or {}).get("default") or {}
    return str(default.get("type", ""))


def _mapped(properties: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each field of a mapping with its path, and multi-fields as well."""
    for name, mapping in properties.items():
        yield f"{prefix}{name}", mapping
        for inner in ("properties", "fields"):
            yield from _mapped(mapping.get(inner) or {}, f"{prefix}{name}.")


def _used(
    engine: Engine, address: Address, types: FieldTypes, options: OpenOptions
) -> tuple[Fields | None, dict[str, str]]:
    """Return the fields that a search uses by default, also in words; None if it cannot search the index."""
    body = read_template(options.engine.query_file) if options.engine.query_file else None
    choice = choose_fields(engine, address, types, options.engine, options.languages, body)
    try:
        fields = find_fields(types, address, options.engine, (), choice)
    except EngineError:
        return None, {}
    spoken = choice.describe_languages() if choice else ""
    words = {"searched": ", ".join(fields.searched), "title": fields.title, "text": ", ".join(fields.text)}
    return fields, {**words, "not searched": choice.describe() if choice else "", "languages": spoken}


def _language(
    engine: Engine, address: Address, types: FieldTypes, fields: Fields | None, facts: list[Mapping[str, Any]]
) -> str:
    """Return the language that resift stored, or the one that the texts seem to have; "" if unknown."""
    stored = {str(one["language"]) for one in facts if one.get("language")}
    if len(stored) == 1 and code_of(*stored):
        return str(*stored)
    if fields is None:
        return ""
    samples = sample_texts(engine, address, list(fields.text), types)
    code = detect(text for texts in samples.values() for text in texts)
    return name_of(code).lower() if code else ""
