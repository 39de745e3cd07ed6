"""The first stage in an Elasticsearch or OpenSearch that already runs."""
