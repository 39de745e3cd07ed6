"""The command line: one file per command, which parses and calls; it contains no logic."""
