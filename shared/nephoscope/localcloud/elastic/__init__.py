"""A real Elasticsearch or OpenSearch on loopback, for the demonstration, the tests and the benchmarks."""
