"""Score pairs by a model on a server: resift's own, TEI, Cohere, Jina, Voyage, vLLM or Infinity."""
