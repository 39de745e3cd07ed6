"""Build the embedded index."""
