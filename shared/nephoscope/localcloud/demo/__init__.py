"""The demonstration: the real Lambda package lives through a story of incidents on the local AWS."""
