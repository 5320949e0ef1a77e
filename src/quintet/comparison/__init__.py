"""Fair comparison of two runs or sweeps: same data, same metric, significance tests."""
