"""Fit how a model is fused with the first stage, on judged queries, and store the result; see `fit`."""
