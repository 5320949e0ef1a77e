"""Good practice before and after training: checks, the reading of curves, baselines."""
