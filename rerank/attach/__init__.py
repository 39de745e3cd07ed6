"""Attach a rerank service to an engine that already runs: plan, attach and detach, by the engine's own settings."""
