"""The example application searches a real index."""

import threading
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from examples.search_page import make_server

pytestmark = pytest.mark.engine


def test_the_search_page_shows_reranked_hits(native: Any, filled: Callable[..., str]) -> None:
    target = filled(
        {
            "1": {"title": "Lentil soup", "body": "Simmer red lentils with cumin for twenty minutes."},
            "2": {"title": "Soup bowls", "body": "A set of four bowls for soup. Soup soup soup. <b>"},
            "3": {"title": "Garden hose", "body": "How long is it? Thirty metres."},
            "4": {"title": "Cook wanted", "body": "A cook for a school, long hours."},
            "5": {"title": "Soup spoons", "body": "Six spoons for soup."},
        }
    )
    server = make_server(native, target.rsplit("/", 1)[-1], ["title", "body"], port=0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        words = urllib.parse.quote("how long do I cook lentil soup <script>")
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/?q={words}", timeout=60) as response:
            page = response.read().decode()
    finally:
        server.shutdown()
        server.server_close()
    assert page.index("Lentil soup") < page.index("Soup bowls")
    assert "reranked" in page and "<script>" not in page
