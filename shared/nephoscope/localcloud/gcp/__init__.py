"""Google Cloud on one machine: metadata server, Compute and Storage REST, Cloud Monitoring over gRPC."""
