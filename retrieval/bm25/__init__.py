"""The embedded first stage: BM25 over memory-mapped files."""
