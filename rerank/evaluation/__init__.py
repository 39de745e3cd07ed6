"""The evaluation room: data sets, measures, experiments with paired tests, and their reports."""
