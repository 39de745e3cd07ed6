"""Measure the proxy: what it adds to a request that passes through, beside nginx, and what faults do under load."""
