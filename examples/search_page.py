"""A search page over an index of Elasticsearch or OpenSearch: one line makes it rerank.

python examples/search_page.py http://localhost:9200 articles title,body
then open http://localhost:8000/?q=how+do+I+reset+my+password
"""

import html
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from elasticsearch import Elasticsearch  # or: from opensearchpy import OpenSearch

from resift import Reranker, RerankingClient, load_scorer


def make_server(client: Any, index: str, fields: list[str], port: int = 8000) -> ThreadingHTTPServer:  # noqa: ANN401
    """Return a server of the page; only the line marked below was added to the plain application."""
    client = RerankingClient(client, Reranker(load_scorer("default")), fields, deadline_ms=2000)  # <- this one

    class Page(BaseHTTPRequestHandler):
        """One page: a search box, and the hits."""

        def do_GET(self) -> None:
            """Answer /?q=words."""
            words = parse_qs(urlsplit(self.path).query).get("q", [""])[0]
            query = {"multi_match": {"query": words, "fields": fields}}
            found = client.search(index=index, body={"query": query, "size": 10})
            items = "".join(
                f"<li>{html.escape(str(hit['_source'].get(fields[0], hit['_id'])))}</li>"
                for hit in found["hits"]["hits"]
            )
            note = f"{found.resift.status} {found.resift.reason}"
            page = (
                f'<form><input name="q" value="{html.escape(words)}"></form><ol>{items}</ol><p>{html.escape(note)}</p>'
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

    return ThreadingHTTPServer(("127.0.0.1", port), Page)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    make_server(Elasticsearch(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")).serve_forever()
