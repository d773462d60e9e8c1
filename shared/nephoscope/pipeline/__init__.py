"""What is decided, purely: facts, memory, configuration and a slot go in; a plan comes out. No clock, no network."""
