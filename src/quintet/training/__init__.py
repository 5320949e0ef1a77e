"""One run: build its parts, set up its data, fit, evaluate, record."""
