"""Good practice before and after training: checks, training curves, baselines."""
