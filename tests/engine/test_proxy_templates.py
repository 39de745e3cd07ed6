"""A search template is rendered by the engine, and the search that it makes is reranked."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from tests.engine.proxying import PATIENT, advice_index, ask, running_proxy
from tests.engine.recorder import Proxy

pytestmark = pytest.mark.engine

SOURCE = {"query": {"match": {"text": "{{words}}"}}, "size": 5}


@contextmanager
def engine_with_templates(engine: str) -> Iterator[str]:
    """Render templates before the engine, as its module lang-mustache does, which a small distribution lacks."""

    class Handler(Proxy):
        def respond(self) -> None:
            if self.path.rpartition("/")[2] != "template":
                status, fields, data = self.forward(engine)
                self.reply(status, fields, data)
                return
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "source" not in given:
                status, found = 404, b'{"error": "unable to find script"}'
            else:
                text = json.dumps(given["source"]).replace("{{words}}", given["params"]["words"])
                status, found = 200, json.dumps({"template_output": json.loads(text)}).encode()
                if self.path != "/_render/template":
                    found = ask(engine, "POST", self.path.removesuffix("/template"), json.loads(text)).body
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST = do_HEAD = respond

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_search_of_a_template_is_reranked(engine: str) -> None:
    words = {"words": "how do I clean the oven"}
    plain: dict[str, Any] = {"query": {"match": {"text": words["words"]}}, "size": 5}
    with (
        advice_index(engine, f"templates-{uuid.uuid4().hex[:8]}") as name,
        engine_with_templates(engine) as front,
        running_proxy(front, "--index", "templates-*", *PATIENT) as proxy,
    ):
        path = f"/{name}/_search/template"
        expected = ask(proxy.url, "POST", f"/{name}/_search", plain)
        got = ask(proxy.url, "POST", path, {"source": SOURCE, "params": words})
        assert (got.treatment, expected.treatment) == ("reranked", "reranked")
        assert {**got.json(), "took": 0} == {**expected.json(), "took": 0}
        passed = {"source": {**SOURCE, "sort": ["n"]}, "params": words}
        assert ask(proxy.url, "POST", path, passed).comparable() == ask(front, "POST", path, passed).comparable()
        missing = {"id": "not-there", "params": words}
        assert ask(proxy.url, "POST", path, missing).comparable() == ask(front, "POST", path, missing).comparable()
