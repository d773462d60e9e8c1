"""A local AWS: ministack for what it does truly, and a thin front of our own for what it does not."""
