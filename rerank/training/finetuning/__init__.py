"""Train a cross-encoder on a user's own examples, with sentence-transformers' trainer."""
