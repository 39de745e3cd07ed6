"""Which fields of documents an engine would add to the mapping of an index that another program made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from resift.indexer.engine.foreign_fields import check_no_new_fields, new_fields
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document

TEXT = {"type": "text"}


@pytest.mark.parametrize(
    ("source", "mapping", "names"),
    [
        ({"text": "x", "year": 1}, {"properties": {"text": TEXT}}, ["year"]),
        ({"year": 1}, {"dynamic": "false", "properties": {}}, []),
        ({"year": 1}, {"dynamic": "strict", "properties": {}}, []),
        ({"year": 1}, {"dynamic": "runtime", "properties": {}}, ["year"]),
        ({"none": None, "empty": [], "nulls": [None]}, {"properties": {}}, []),
        ({"meta": {"a": 1}}, {"properties": {"meta": {"type": "flattened"}}}, []),
        ({"meta": {"a": 1}}, {"properties": {"meta": {"type": "object", "enabled": False}}}, []),
        ({"meta": {"a": 1}}, {"properties": {"meta": {"dynamic": "false", "properties": {"b": TEXT}}}}, []),
        ({"meta": {"a": 1}}, {"dynamic": "false", "properties": {"meta": {"dynamic": "true"}}}, ["meta.a"]),
        (
            {"said": [{"a": 1}, {"b": 1}]},
            {"properties": {"said": {"type": "nested", "properties": {"a": TEXT}}}},
            ["said.b"],
        ),
        ({"meta.a": 1, "meta.b": 2}, {"properties": {"meta": {"properties": {"a": TEXT}}}}, ["meta.b"]),
    ],
)
def test_fields_that_the_engine_would_add_are_found(
    source: dict[str, Any], mapping: dict[str, Any], names: list[str]
) -> None:
    assert list(new_fields(source, mapping)) == names


def test_the_first_documents_are_checked_before_any_is_sent_and_the_rest_in_turn() -> None:
    mapping = {"properties": {"text": TEXT}}
    early = [Document("1", "x"), Document("2", "x", fields={"year": 1})]
    with pytest.raises(IndexingError, match=r"has no field year, .*`fields`"):
        next(check_no_new_fields(early, mapping, "ix"))

    def stream() -> Iterator[Document]:
        yield from (Document(str(n), "x") for n in range(700))
        yield Document("late", "x", "A title")

    checked = check_no_new_fields(stream(), mapping, "ix")
    assert [next(checked).doc_id for _ in range(700)] == [str(n) for n in range(700)]
    with pytest.raises(IndexingError, match="has no field title"):
        next(checked)
