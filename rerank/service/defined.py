"""Read the documents of a request by the definition of the index that it names."""

from __future__ import annotations

from dataclasses import replace

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.plugin.response import fields_to_read
from resift.rerank.reranker import Reranker
from resift.rerank.service.call import RerankCall
from resift.rerank.service.request_error import invalid
from resift.retrieval.engine.hits import HitReader
from resift.retrieval.text import one_line
from resift.retrieval.types import Document

_NOT_OF_A_REQUEST = ("rank_window_size", "keep_promoted")
"""Settings of a definition that a request does not have: all its documents are scored."""


def read_defined(call: RerankCall, definitions: IndexDefinitions) -> RerankCall:
    """Return `call` with its documents as the definition of its index reads them; unchanged if it names no index.

    A document that is an object has the fields of the definition as an engine's hit has them: a title, and the others
    as its text; without fields in the definition, "title" and "text". Raises RequestError, status 422, if the index is
    not defined.
    """
    if call.index is None:
        return call
    definition = definitions.of(call.index)
    if definition is None:
        known = ", ".join(one.pattern for one in definitions) or "none; the service was started without definitions"
        raise invalid(f"index {one_line(call.index)[:80]!r} has no definition here; known are {known}")
    reader = HitReader(fields_to_read(definition.names or ("title", "text")))
    return replace(call, documents=[_read(reader, one) for one in call.documents], definition=definition)


def defined(reranker: Reranker, call: RerankCall) -> Reranker:
    """Return `reranker` with the settings of the definition by which `call` was read, if there is one.

    The fusion stays that of `reranker` for a call without the first stage's scores.
    """
    if call.definition is None:
        return reranker
    names = (*_NOT_OF_A_REQUEST, *(("fusion", "fusion_weight") if call.first_stage is None else ()))
    return reranker.with_settings(**call.definition.without(names).settings)


def longest_text(document: Document) -> int:
    """Return the number of characters of the longest text in a document, in its fields too."""
    texts = [document.text, document.title, *(value for value in document.fields.values() if isinstance(value, str))]
    return max(map(len, texts))


def _read(reader: HitReader, given: Document) -> Document:
    """Return a document of a request, whose members are its fields, with the title and the text of a hit like it."""
    return replace(reader.read({"_id": "", "_source": given.fields}), fields=given.fields)
