"""AWS: instances, buckets and metrics, read with botocore."""
