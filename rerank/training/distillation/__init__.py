"""Distil a cross-encoder into smaller ones on the texts and queries of an index or a corpus."""
