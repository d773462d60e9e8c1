"""A file for each view. Each has `view(asked)`: its heading and the parts it is made of."""
