"""The rerank service: one HTTP server in the dialects of other rerankers; see `app` for its parts."""
