"""Evaluate the two stages: data sets, measures, experiments with paired tests, and reports."""
