"""The second stage and the front door: cross-encoders, the pipeline, its evaluation and its CLI."""
