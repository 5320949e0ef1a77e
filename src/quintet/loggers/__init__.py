"""Trackers that are told of a run: one small adapter each over Lightning's own logger."""
