"""Score (query, document) pairs: models, the backends that run them, and a table of both."""
