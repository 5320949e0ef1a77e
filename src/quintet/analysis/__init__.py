"""How much a result is worth: weighted metrics, bootstrap intervals, calibration, significance."""
