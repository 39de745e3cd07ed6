"""The write side: a corpus goes in, an index comes out."""
