"""Elasticsearch and OpenSearch: what is kept goes in here, and is asked back here.

client.py asks the server over connection.py, product.py knows which it is; indices.py says what our indices look like,
standing.py sees to it that they do; bulk.py brings documents in, cut by bodies.py, answered for in answers.py, and
dead_letters.py keeps what is refused for good; sink.py is the whole.
"""
