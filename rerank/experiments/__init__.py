"""Compare two orders on live searches: log both, mix them by team draft, and let clicks decide."""
