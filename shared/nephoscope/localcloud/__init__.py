"""The clouds on one machine, for the demo, the tests and the benchmarks. The product does not know of it."""
