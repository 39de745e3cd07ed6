"""HTTP/1.1 of the proxy: connections from callers and to the engine, and the relay between them."""
