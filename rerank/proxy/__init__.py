"""A search proxy: an application's searches come back reranked, and everything else passes through unchanged."""
