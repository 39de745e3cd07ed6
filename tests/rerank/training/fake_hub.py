"""A local server that imitates the part of the API of huggingface.co to which models are uploaded."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

TOKEN = "hf_secretsecret"  # noqa: S105


class Hub(ThreadingHTTPServer):
    """Accepts commits, and keeps the repository that was created last and the files that were sent to each."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), partial(HubHandler))
        self.status, self.created, self.sent = status, dict[str, Any](), dict[str, dict[str, bytes]]()
        self.tokens = set[str | None]()

    @property
    def files(self) -> dict[str, bytes]:
        """The files that were sent to org/model."""
        return self.sent.get("org/model", {})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class HubHandler(BaseHTTPRequestHandler):
    """Implements what `create_repo` and `create_commit` ask for: create, validate-yaml, preupload, commit."""

    server: Hub

    def do_POST(self) -> None:
        self.server.tokens.add(self.headers["Authorization"])
        content = self.body()
        path = self.path.split("?")[0]
        if path == "/api/repos/create":
            if self.server.status != 200:
                return self.answer({"error": "refused"}, self.server.status)
            self.server.created = json.loads(content)
            name = "/".join(filter(None, (self.server.created.get("organization"), self.server.created["name"])))
            return self.answer({"url": f"{self.server.address}/{name}", "id": name, "name": name})
        if path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        found = re.fullmatch(r"/api/models/(\S+)/(preupload|commit)/main", path)
        if found and found[2] == "preupload":
            names = [one["path"] for one in json.loads(content)["files"]]
            return self.answer(
                {"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]}
            )
        if found:
            for line in content.splitlines():
                row = json.loads(line)
                if row["key"] == "file":
                    files = self.server.sent.setdefault(found[1], {})
                    files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
            oid = "0" * 40
            url = f"{self.server.address}/{found[1]}/commit/{oid}"
            return self.answer({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})
        return self.answer({"error": f"not imitated: {path}"}, 404)

    def body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, value: object, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@contextmanager
def running_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Run the server in a thread, and let huggingface_hub use it with a token."""
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server
        server.shutdown()
        thread.join()
