"""The texts at a path in a document of any shape: an engine's source, a JSON object, or the fields of a corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def values(source: object, path: str) -> Iterator[str]:
    """Yield the texts at a dotted path, through objects, arrays of objects, and keys that contain dots.

    >>> list(values({"a": [{"b": "x"}, {"b": ["y", 3]}], "a.b": "z"}, "a.b"))
    ['z', 'x', 'y', '3']
    """
    if isinstance(source, list):
        for member in source:
            yield from values(member, path)
    elif isinstance(source, Mapping):
        if path in source:
            yield from _leaves(source[path])
        for split in (place for place, character in enumerate(path) if character == "."):
            if path[:split] in source:
                yield from values(source[path[:split]], path[split + 1 :])


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for member in value:
            yield from _leaves(member)
    elif isinstance(value, Mapping):
        if "inference" in value and "text" in value:  # a semantic_text field keeps its vectors beside the text
            value = {"text": value["text"]}
        for member in value.values():
            yield from _leaves(member)
    elif value is not None and value != "":
        yield str(value)
