"""A single run: set up the data, build the parts, fit, evaluate, record."""
