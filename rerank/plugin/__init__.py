"""Ways into a deployment that already runs: the drop-in client wrapper."""
