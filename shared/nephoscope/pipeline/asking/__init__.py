"""History asked back: questions as bodies of `_search`, the server's answers as figures. Pure: who asks is
sinks/elasticsearch/asking.py."""
