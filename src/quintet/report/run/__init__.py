"""The report of a single run: scores, curves, errors and next steps."""
