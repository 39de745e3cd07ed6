"""Check that the reranker an engine calls really reranks: what works, what does not, and what to change."""
