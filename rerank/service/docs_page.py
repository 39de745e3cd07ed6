"""The page at /docs: the OpenAPI document as plain HTML, without scripts and without anything from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; font-size: 1.1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace; background: #f4f4f4 }
pre { padding: .8rem; overflow-x: auto } code { padding: .1rem .2rem }
table { border-collapse: collapse } td, th { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0 }
"""


def docs_page(document: dict[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>resift</title>",
        f"<style>{_STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        f"<p>{escape(info['description'])} The same as a document for programs: ",
        "<a href=openapi.json>openapi.json</a>.</p>",
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(_operation(path, method, operation, document["components"]["schemas"]))
    return "".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    heading = f"<h2><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</h2>"
    if "requestBody" not in operation:
        return heading
    content = operation["requestBody"]["content"]["application/json"]
    example = json.dumps(content["example"])
    command = f"curl -s localhost:8080{path} -H 'Content-Type: application/json' -d '{example}'"
    tables = "".join(_table(name, schemas[name]) for name in _names(content["schema"]))
    return f"{heading}<pre>{escape(command)}</pre>{tables}"


def _table(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(member)}</code></td><td>{'required' if member in required else ''}</td>"
        f"<td>{escape(_type(one))}</td><td>{escape(one.get('description', ''))}</td></tr>"
        for member, one in schema.get("properties", {}).items()
    )
    return f"<p><b>{escape(name)}</b>: {escape(schema.get('description', ''))}</p><table>{rows}</table>"


def _names(schema: dict[str, Any]) -> list[str]:
    return [one["$ref"].rsplit("/", 1)[-1] for one in schema.get("anyOf", [schema])]


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    kind = schema.get("type", "object")
    return f"list of {_type(schema['items'])}" if kind == "array" and "items" in schema else str(kind)
