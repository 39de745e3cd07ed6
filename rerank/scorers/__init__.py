"""From (query, document) pairs to logits: models, backends and the table of both."""
