"""Azure on one machine: the parts of it that a reader of instances and metrics talks to."""
