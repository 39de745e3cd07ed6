"""Score the pairs of many requests in common batches, on one thread; see `batcher`."""
