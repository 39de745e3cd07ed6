"""The write side: read a corpus, build an index."""
