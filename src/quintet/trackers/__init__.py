"""Trackers (W&B, MLflow, TensorBoard): thin adapters of Lightning's loggers."""
