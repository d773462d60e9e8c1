"""Rows, not code: metrics, instance states, limits, prices. loader.py reads them and lists every mistake at once."""
