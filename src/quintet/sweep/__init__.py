"""Sweeps: from a search space to the best model, with no work lost on the way."""
