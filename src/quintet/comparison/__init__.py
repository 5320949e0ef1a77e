"""Comparing two runs or sweeps fairly: same data, same P, and what chance may do."""
