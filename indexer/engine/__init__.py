"""Load a collection into Elasticsearch or OpenSearch."""
