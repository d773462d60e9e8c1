"""Google Cloud: instances, buckets and metrics, read by REST and gRPC with google-auth's credentials."""
