"""Elasticsearch and OpenSearch: what is kept goes in here, and is asked back here.

client.py is one HTTP exchange, indices.py what our indices look like, bulk.py how documents go in, sink.py the whole.
"""
