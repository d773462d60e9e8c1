"""The demonstration: the three real packages live through a story of incidents on three local clouds."""
